"""A lock keeps everyone else's deployments out. Its owner or a maintainer frees it, and nothing else does."""

from __future__ import annotations

from bot import services
from bot.errors import Conflict
from bot.model import Lock, Repository, Service
from bot.ports import Ports

_ATTEMPTS = 5


def keeps_out(service: Service | None, actor: str) -> Lock | None:
    """The lock that keeps `actor` from changing what runs."""
    lock = service.locked_by if service else None
    return None if lock is None or lock.owner == actor else lock


async def lock(ports: Ports, repository: Repository, owner: str, reason: str) -> Lock:
    """The lock that holds from now on: `owner`'s, unless somebody else had it before."""
    wanted = Lock(owner=owner, reason=reason, since=ports.clock())
    for _ in range(_ATTEMPTS):
        service = await services.claim(ports, repository)
        held = service.locked_by
        if held is not None and (held.owner != owner or held.reason == reason):
            return held
        try:
            await ports.store.put_service(service.model_copy(update={"locked_by": wanted}))
        except Conflict:
            continue
        return wanted
    raise Conflict(f"The service of {repository.full_name} changes too often.")


async def unlock(ports: Ports, repository: Repository, actor: str) -> Lock | None:
    """Frees it; or the lock that `actor` may not free."""
    service = await ports.store.service(repository.id)
    held = service.locked_by if service else None
    if held is None:
        return None
    if held.owner != actor and not await ports.github.can_maintain(repository, actor):
        return held
    await services.update(ports, repository.id, when=lambda now: now.locked_by == held, locked_by=None)
    return None
