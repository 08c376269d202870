"""The App installed, suspended or removed, on an account or on some of its repositories."""

from __future__ import annotations

from bot import services
from bot.events import InstallationChanged
from bot.model import Installation
from bot.ports import Ports


async def handle(ports: Ports, event: InstallationChanged) -> None:
    if event.action == "deleted":
        await ports.store.delete_installation(event.installation_id)
        for service in await ports.store.services():
            if service.repository.installation_id == event.installation_id:
                await services.retire(ports, service.repository_id)
        return
    known = await ports.store.installation(event.installation_id)
    if known is None:
        known = Installation(
            id=event.installation_id,
            account=event.account,
            account_id=event.account_id,
            installer=event.sender,
            installer_id=event.sender_id,
        )
    suspended = event.action == "suspend" or (known.suspended and event.action != "unsuspend")
    await ports.store.put_installation(known.model_copy(update={"suspended": suspended, "account": event.account}))
    for repository_id in event.removed:
        await services.retire(ports, repository_id)
