"""Re-run all: the newest deployment of that commit once more, under the same rules as its button."""

from __future__ import annotations

from bot import actions, neutral
from bot.actions import Asked
from bot.events import CheckSuiteRerun
from bot.model import Trigger
from bot.ports import Ports


async def handle(ports: Ports, event: CheckSuiteRerun) -> None:
    if event.sender_is_bot or not await ports.github.can_write(event.repository, event.sender):
        return
    known = await ports.store.deployments_of(event.repository.id, limit=100)
    shown = next((d for d in known if d.sha == event.head_sha), None)
    if shown is None:
        return
    asked = Asked(
        repository=event.repository,
        actor=event.sender,
        delivery=event.delivery,
        at=event.received_at,
        trigger=Trigger.RERUN,
        pr=shown.pr,
    )
    said = await actions.redeploy(ports, asked, shown)
    if not said.done:
        await neutral.refused(ports, asked, event.head_sha)
