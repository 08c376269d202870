"""The App installed, suspended or removed, on an account or on some of its repositories."""

from __future__ import annotations

from bot import deployments, neutral, services
from bot.events import InstallationChanged
from bot.model import Installation
from bot.ports import Ports

_AGAIN = frozenset({"unsuspend", "new_permissions_accepted"})
"""WhaleRay may write again: what could not be shown meanwhile is shown."""


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
    await _offer(ports, event)
    if event.action in _AGAIN:
        await _show_again(ports, event.installation_id)


async def _offer(ports: Ports, event: InstallationChanged) -> None:
    """One click deploys the default branch's head."""
    for repository in event.added:
        await neutral.show(ports, repository, "", "offer")


async def _show_again(ports: Ports, installation_id: int) -> None:
    for service in await ports.store.services():
        if service.repository.installation_id == installation_id:
            for deployment in (await ports.store.deployments_of(service.repository_id))[:1]:
                await deployments.converge(ports, deployment)
