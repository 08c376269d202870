"""Re-run and the buttons of a check: the same as the command, under the same rule of who may."""

from __future__ import annotations

from bot import actions, neutral, telling
from bot.actions import Asked, Said
from bot.events import CheckRunAction
from bot.model import Deployment, Trigger
from bot.ports import Ports


async def handle(ports: Ports, event: CheckRunAction) -> None:
    if event.sender_is_bot or not await ports.github.can_write(event.repository, event.sender):
        return
    shown = None if event.external_id == neutral.EXTERNAL_ID else await ports.store.deployment(event.external_id)
    if shown is None and event.external_id != neutral.EXTERNAL_ID:
        return  # nothing that is remembered: whose code it shows, and whether that may run, nobody knows
    if shown is not None and shown.repository_id != event.repository.id:
        return
    asked = Asked(
        repository=event.repository,
        actor=event.sender,
        delivery=event.delivery,
        at=event.received_at,
        trigger=Trigger.RERUN if event.action == "rerequested" else Trigger.BUTTON,
        pr=await _pull_request(ports, event, shown),
    )
    said = await _press(ports, event, asked, shown)
    if not said.done:
        await neutral.refused(ports, asked, event.head_sha)


async def _pull_request(ports: Ports, event: CheckRunAction, shown: Deployment | None) -> int | None:
    """GitHub names neither a closed one nor a fork's: without ours their heads would pass for production."""
    if shown is not None:
        return shown.pr
    if event.pull_requests:
        return event.pull_requests[0]
    return (await ports.store.view(neutral.view_name(event.repository.id, event.head_sha))).pr


async def _press(ports: Ports, event: CheckRunAction, asked: Asked, shown: Deployment | None) -> Said:
    match event.identifier:
        case "" | "redeploy" if shown is not None:
            return await actions.redeploy(ports, asked, shown)
        case "rollback":
            return await actions.rollback(ports, asked, None)
        case "diagnose" if shown is not None:
            return await telling.diagnose(ports, asked, shown)
        case "" | "deploy":
            return await actions.deploy_commit(ports, asked, event.head_sha)
        case _:
            return Said()
