"""Commands in a comment on a pull request: who may, what they name, one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import commands, deployments, render
from bot.deployments import Request
from bot.events import Answer, Comment
from bot.model import Cause, Deployment, Desired, Service, Stage, Trigger
from bot.naming import deployment_id
from bot.ports import Ports

STALE_S = 3600.0
"""A command that arrives later than this after it was written is answered and not run: its author has moved on."""


@dataclass(frozen=True)
class _Said:
    """What one command led to: a part of the answer ("" when the sticky comment says it), and whether it was done."""

    text: str = ""
    done: bool = True


async def handle(ports: Ports, event: Comment) -> None:
    if event.sender_is_bot:
        return
    wanted = commands.parse(event.body)
    if not wanted:
        return
    if not event.is_pull_request:
        await _answer(ports, event, [_Said(render.not_a_pull_request(), done=False)])
        return
    if not await ports.github.can_write(event.repository, event.sender):
        if await ports.store.once(f"refused:{event.repository.id}:{event.issue}:{event.sender}"):
            await _answer(ports, event, [_Said(render.refusal(event.repository), done=False)])
        return
    age = event.received_at - event.created_at
    if age > STALE_S:
        await _answer(ports, event, [_Said(render.stale_command(wanted[0].verb, age), done=False)])
        return
    await _send(ports, event, key="eyes", body="", reaction="eyes")
    await _answer(ports, event, [await _run(ports, event, command) for command in wanted])


async def _run(ports: Ports, event: Comment, command: commands.Command) -> _Said:
    match command:
        case commands.Deploy():
            return await _deploy(ports, event, command)
        case commands.Rollback():
            return await _rollback(ports, event, command)
        case commands.Cancel():
            return await _cancel(ports, event)
        case commands.Status():
            return await _status(ports, event)
        case commands.Unknown():
            return _Said(render.unknown_verb(command.word, command.nearest), done=False)
        case commands.BadArgument():
            return _Said(render.bad_argument(command.of, command.argument, command.expected), done=False)
        case _:
            return _Said(render.help_reply())


async def _deploy(ports: Ports, event: Comment, command: commands.Deploy) -> _Said:
    cause = _cause(event, command.ordinal)
    if known := await _known(ports, event, cause):
        await deployments.converge(ports, known)  # resolved once: a retry deploys what was named then
        return _Said()
    if command.target is not None:
        return await _deploy_named(ports, event, cause, command.target)
    pull = await ports.github.pull_request(event.repository, event.issue)
    if pull is None:
        return _Said(render.no_such_ref(f"pull request {event.issue}"), done=False)
    if pull.head_repository_id != event.repository.id:
        if not ports.fork_code:
            return _Said(render.fork_not_sandboxed(), done=False)
        seen = await ports.store.branch(event.repository.id, f"refs/pull/{event.issue}/head")
        if seen is None or seen.sha != pull.head_sha or seen.received_at > event.created_at:
            return _Said(render.moved_head(pull.head_ref, seen.sha if seen else "", pull.head_sha), done=False)
    commit = await ports.github.commit(event.repository, pull.head_sha)
    return await _open(ports, event, cause, pull.head_sha, pull.head_ref, commit.message if commit else "")


async def _deploy_named(ports: Ports, event: Comment, cause: Cause, target: str) -> _Said:
    commit = await ports.github.commit(event.repository, target)
    if commit is None:
        return _Said(render.no_such_ref(target), done=False)
    production = target == event.repository.default_branch
    return await _open(ports, event, cause, commit.sha, target, commit.message, production=production)


async def _open(
    ports: Ports, event: Comment, cause: Cause, sha: str, ref: str, message: str, *, production: bool = False
) -> _Said:
    request = Request(
        repository=event.repository,
        sha=sha,
        ref=ref,
        cause=cause,
        actor=event.sender,
        pr=event.issue,
        message=message.split("\n", 1)[0],
        environment="production" if production else f"pull/{event.issue}",
    )
    await deployments.open_deployment(ports, request)
    return _Said()


async def _rollback(ports: Ports, event: Comment, command: commands.Rollback) -> _Said:
    cause = _cause(event, command.ordinal)
    if known := await _known(ports, event, cause):
        await deployments.converge(ports, known)
        return _Said()
    target = await deployments.rollback_target(ports, event.repository.id, command.target)
    if target is None:
        return _Said(render.nothing_to_rollback(command.target), done=False)
    await deployments.open_rollback(ports, event.repository, target, cause, actor=event.sender, pr=event.issue)
    return _Said()


async def _cancel(ports: Ports, event: Comment) -> _Said:
    ended = [
        deployment
        for deployment in await ports.store.deployments_of(event.repository.id)
        if not deployment.stage.ended and await deployments.cancel(ports, deployment, by=event.sender)
    ]
    if not ended:
        return _Said(render.nothing_to_cancel(), done=False)
    return _Said("\n".join(render.cancelled(deployment) for deployment in ended))


async def _status(ports: Ports, event: Comment) -> _Said:
    service = await ports.store.service(event.repository.id)
    known = await ports.store.deployments_of(event.repository.id) if service else []
    in_flight = next((d for d in known if not d.stage.ended), None)
    live = await _live(ports, service)
    url = f"{ports.services_url}/{service.service_id}/" if service else ""
    stopped = service is not None and service.desired is Desired.STOPPED
    failed = next((d for d in known if d.stage is Stage.FAILED), None)
    newest_failed = failed if failed and known and failed.id == known[0].id else None
    return _Said(render.status(url, live, in_flight, newest_failed, stopped=stopped, now=ports.clock()))


async def _live(ports: Ports, service: Service | None) -> Deployment | None:
    if service is None or service.live_deployment is None:
        return None
    return await ports.store.deployment(service.live_deployment)


def _cause(event: Comment, ordinal: int) -> Cause:
    return Cause(
        delivery=event.delivery,
        ordinal=ordinal,
        trigger=Trigger.COMMAND,
        comment_id=event.comment_id,
        at=event.created_at,
    )


async def _known(ports: Ports, event: Comment, cause: Cause) -> Deployment | None:
    service = await ports.store.service(event.repository.id)
    return await ports.store.deployment(deployment_id(cause, service.service_id)) if service else None


async def _answer(ports: Ports, event: Comment, said: Sequence[_Said]) -> None:
    """One answer per comment, and a reaction that says whether all was done."""
    parts = [part.text for part in said if part.text]
    body = render.answer(event.delivery, parts) if parts else ""
    await _send(
        ports, event, key="answer", body=body, reaction="rocket" if all(part.done for part in said) else "confused"
    )


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
