"""Commands in a comment on a pull request: who may, in order, one answer."""

from __future__ import annotations

from collections.abc import Sequence

from bot import actions, commands, render, telling
from bot.actions import Asked, Said
from bot.events import Answer, Comment
from bot.model import Trigger
from bot.ports import Ports

STALE_S = 3600.0
"""A command that arrives later than this after it was written is answered and not run: its author has moved on."""


async def handle(ports: Ports, event: Comment) -> None:
    if event.sender_is_bot:
        return
    wanted = commands.parse(event.body)
    if not wanted:
        return
    if not await ports.github.can_write(event.repository, event.sender):
        if await ports.store.once(f"refused:{event.repository.id}:{event.issue}:{event.sender}", event.delivery):
            await _answer(ports, event, [Said(render.refusal(event.repository), done=False)])
        return
    if not event.is_pull_request:
        await _answer(ports, event, [Said(render.not_a_pull_request(), done=False)])
        return
    age = event.received_at - event.created_at
    if age > STALE_S:
        await _answer(ports, event, [Said(render.stale_command(wanted[0].verb, age), done=False)])
        return
    await _send(ports, event, key="eyes", body="", reaction="eyes")
    await _answer(ports, event, [await _run(ports, _asked(event, command.ordinal), command) for command in wanted])


async def gave_up(ports: Ports, event: Comment) -> None:
    """Whoever asked hears that WhaleRay itself failed."""
    await _answer(ports, event, [Said(render.our_fault(event.delivery), done=False)])


async def _run(ports: Ports, asked: Asked, command: commands.Command) -> Said:  # noqa: PLR0911, PLR0912 - one for each command
    match command:
        case commands.Deploy():
            return await actions.deploy(ports, asked, command.target)
        case commands.Rollback():
            return await actions.rollback(ports, asked, command.target)
        case commands.Cancel():
            return await actions.cancel(ports, asked)
        case commands.Restart():
            return await actions.restart(ports, asked)
        case commands.Stop():
            return await actions.stop(ports, asked)
        case commands.Start():
            return await actions.start(ports, asked)
        case commands.Lock():
            return await actions.lock(ports, asked, command.reason)
        case commands.Unlock():
            return await actions.unlock(ports, asked)
        case commands.Status():
            return await telling.status(ports, asked)
        case commands.Logs():
            return await telling.logs(ports, asked, command.lines)
        case commands.Diagnose():
            return await telling.diagnose(ports, asked)
        case commands.Env():
            return await telling.env(ports, asked)
        case commands.Unknown():
            return Said(render.unknown_verb(command.word, command.nearest), done=False)
        case commands.BadArgument():
            return Said(render.bad_argument(command.of, command.argument, command.expected), done=False)
        case _:
            return Said(render.help_reply())


def _asked(event: Comment, ordinal: int) -> Asked:
    return Asked(
        repository=event.repository,
        actor=event.sender,
        delivery=event.delivery,
        at=event.created_at,
        trigger=Trigger.COMMAND,
        pr=event.issue,
        comment_id=event.comment_id,
        ordinal=ordinal,
    )


async def _answer(ports: Ports, event: Comment, said: Sequence[Said]) -> None:
    """One answer per comment, and a reaction that says whether all was done."""
    parts = [part.text for part in said if part.text]
    body = render.answer(event.delivery, parts) if parts else ""
    reaction = "rocket" if all(part.done for part in said) else "confused"
    await _send(ports, event, key="answer", body=body, reaction=reaction)


async def _send(ports: Ports, event: Comment, *, key: str, body: str, reaction: str) -> None:
    answer = Answer(
        delivery=event.delivery,
        repository=event.repository,
        issue=event.issue,
        comment_id=event.comment_id,
        body=body,
        reaction=reaction,
    )
    await ports.view.send(answer, group=f"comment-{event.comment_id}", key=f"{key}:{event.delivery}")
