"""A push to the branch that is deployed deploys its head by itself."""

from __future__ import annotations

from bot import neutral, opening, pushes
from bot.events import Push
from bot.model import Cause, Trigger
from bot.ports import Ports


async def handle(ports: Ports, event: Push) -> None:
    repository = event.repository
    if event.deleted:
        return
    wanted = await pushes.of_push(ports, event)
    if not pushes.deploys(wanted, event):
        return
    if await ports.github.branch_head(repository, event.branch) != event.after:
        return  # old news: the newer push has its own delivery
    actor = event.pusher or event.sender
    reason = await neutral.why_not(ports, repository, actor) or (None if wanted.auto else "auto_off")
    if reason is not None:
        await neutral.show(ports, repository, event.after, reason)
        return
    cause = Cause(delivery=event.delivery, trigger=Trigger.PUSH, at=event.received_at)
    await opening.open_deployment(
        ports,
        opening.Request(
            repository=repository,
            sha=event.after,
            ref=event.branch,
            cause=cause,
            actor=actor,
            message=event.message,
            waits=wanted.wait_for_checks,
        ),
    )
