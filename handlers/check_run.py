"""Re-run and the buttons of a check: the same as the command, under the same rule of who may."""

from __future__ import annotations

from bot import deployments
from bot.deployments import Request
from bot.events import CheckRunAction
from bot.model import Cause, Trigger
from bot.ports import Ports

OFFER = "offer"
"""`external_id` of the neutral check that offers a first deployment."""


async def handle(ports: Ports, event: CheckRunAction) -> None:
    if event.sender_is_bot or not await ports.github.can_write(event.repository, event.sender):
        return
    trigger = Trigger.RERUN if event.action == "rerequested" else Trigger.BUTTON
    cause = Cause(delivery=event.delivery, trigger=trigger, at=event.received_at)
    shown = None if event.external_id == OFFER else await ports.store.deployment(event.external_id)
    if shown is not None and shown.repository_id != event.repository.id:
        return
    match event.identifier:
        case "" | "redeploy" if shown is not None:
            await deployments.open_again(ports, event.repository, shown, cause, actor=event.sender)
        case "rollback":
            target = await deployments.rollback_target(ports, event.repository.id, None)
            if target is not None:
                pr = shown.pr if shown else None
                await deployments.open_rollback(ports, event.repository, target, cause, actor=event.sender, pr=pr)
        case "deploy":
            await _first(ports, event, cause)
        case _:
            pass


async def _first(ports: Ports, event: CheckRunAction, cause: Cause) -> None:
    commit = await ports.github.commit(event.repository, event.head_sha)
    pr = event.pull_requests[0] if event.pull_requests else None
    request = Request(
        repository=event.repository,
        sha=event.head_sha,
        ref=event.repository.default_branch if pr is None else event.head_sha[:7],
        cause=cause,
        actor=event.sender,
        pr=pr,
        message=commit.message.split("\n", 1)[0] if commit else "",
        environment="production" if pr is None else f"pull/{pr}",
    )
    await deployments.open_deployment(ports, request)
