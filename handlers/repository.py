"""A repository renamed, transferred, archived or deleted: its service keeps its URL, or ends with it."""

from __future__ import annotations

from bot import services
from bot.events import RepositoryChanged
from bot.ports import Ports


async def handle(ports: Ports, event: RepositoryChanged) -> None:
    if event.action == "deleted":
        await services.retire(ports, event.repository.id)
    elif event.action in ("renamed", "transferred", "edited", "privatized", "publicized"):
        await services.update(ports, event.repository.id, repository=event.repository)
