"""Re-run all: the newest deployment of that commit once more."""

from __future__ import annotations

from bot import deployments
from bot.events import CheckSuiteRerun
from bot.model import Cause, Trigger
from bot.ports import Ports


async def handle(ports: Ports, event: CheckSuiteRerun) -> None:
    if event.sender_is_bot or not await ports.github.can_write(event.repository, event.sender):
        return
    known = await ports.store.deployments_of(event.repository.id, limit=100)
    shown = next((d for d in known if d.sha == event.head_sha), None)
    if shown is None:
        return
    cause = Cause(delivery=event.delivery, trigger=Trigger.RERUN, at=event.received_at)
    await deployments.open_again(ports, event.repository, shown, cause, actor=event.sender)
