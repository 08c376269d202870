"""A repository's service: claimed once, restored whenever something took it away."""

from __future__ import annotations

from collections.abc import Callable

from bot.errors import Conflict, Gone
from bot.model import Desired, InstanceState, Repository, Service, Stage
from bot.naming import service_id
from bot.ports import Ports

_ATTEMPTS = 5
KEPT_RELEASES = 5
"""Releases of a service that a rollback can still name."""


async def claim(ports: Ports, repository: Repository) -> Service:
    """The repository's service, made at its first deployment. Its id and URL stay when the repository is renamed."""
    claimed = False
    for _ in range(_ATTEMPTS):
        service = await ports.store.service(repository.id)
        if service is None:
            user = await _user_id(ports, repository)
            service = Service(
                repository=repository,
                service_id=service_id(user, repository.owner, repository.name, repository.id, claimed=claimed),
                engine=ports.engine_name,
            )
        elif service.repository == repository and service.desired is not Desired.REMOVED:
            return service
        else:
            desired = Desired.RUNNING if service.desired is Desired.REMOVED else service.desired
            service = service.model_copy(update={"repository": repository, "desired": desired})
        try:
            return await ports.store.put_service(service)
        except Conflict:
            claimed = await ports.store.service(repository.id) is None
    raise Conflict(f"The service of {repository.full_name} could not be claimed.")


async def _user_id(ports: Ports, repository: Repository) -> int:
    """The installing user's numeric id, else the account's."""
    installation = await ports.store.installation(repository.installation_id)
    if installation is not None:
        return installation.installer_id or installation.account_id
    user = await ports.github.user_id(repository.installation_id, repository.owner)
    if user is None:
        raise Gone(f"GitHub knows no account {repository.owner}.")
    return user


async def update(
    ports: Ports, repository_id: int, *, when: Callable[[Service], bool] = lambda _: True, **changes: object
) -> Service | None:
    """Write `changes` over whatever is stored now, where `when` holds of that; None where there is no service."""
    for _ in range(_ATTEMPTS):
        service = await ports.store.service(repository_id)
        if service is None:
            return None
        changed = service.model_copy(update=changes)
        if changed == service or not when(service):
            return service
        try:
            return await ports.store.put_service(changed)
        except Conflict:
            continue
    raise Conflict(f"The service of repository {repository_id} changes too often.")


async def publish(ports: Ports) -> None:
    """Tell the router which services to keep upstreams for."""
    listed = [
        (s.service_id, s.port) for s in await ports.store.services() if s.listed and s.desired is not Desired.REMOVED
    ]
    await ports.registry.publish(sorted(listed))


async def restore(ports: Ports, repository_id: int) -> None:
    """Make what runs, and what the router resolves, what is stored. Safe at any time; a rollout under way is left to
    its deployment."""
    service = await ports.store.service(repository_id)
    live = service.live_deployment if service else None
    if service is None or live is None or service.rollout is not None:
        return
    if service.desired is not Desired.RUNNING:
        await forget_addresses(ports, service)
        await ports.engine.scale(live, 0)
        return
    known = set(await ports.registry.addresses(service.service_id))
    await ports.engine.scale(live, service.instances)
    seen = await ports.engine.observe(live)
    now = await ports.store.service(repository_id)
    if now is None or now.live_deployment != live or now.desired is not Desired.RUNNING:
        await ports.engine.scale(live, 0)  # replaced or stopped meanwhile, and nobody else would end it again
        return
    wanted = {i.address for i in seen.instances if i.state is not InstanceState.EXITED}
    if wanted - known:
        await ports.registry.register(service.service_id, sorted(wanted - known), service.port)
    stale = known - wanted
    if wanted and stale and await ports.store.service(repository_id) == service:
        await ports.registry.deregister(service.service_id, sorted(stale))


async def forget_addresses(ports: Ports, service: Service) -> None:
    """Nothing answers at its URL any more."""
    addresses = await ports.registry.addresses(service.service_id)
    if addresses:
        await ports.registry.deregister(service.service_id, addresses)


async def kept(ports: Ports, service: Service) -> list[str]:
    """Deployments whose release and logs a person may still ask for."""
    recent = await ports.store.deployments_of(service.repository_id, limit=100)
    released = [d.id for d in recent if d.release is not None and d.stage is Stage.RUNNING][:KEPT_RELEASES]
    open_or_new = [d.id for d in recent[:KEPT_RELEASES] if d.id not in released] + [
        d.id for d in recent if not d.stage.ended
    ]
    live = [service.live_deployment] if service.live_deployment else []
    named = list(dict.fromkeys([*live, *released, *open_or_new]))
    made_by = [d.release.deployment for d in recent if d.id in named and d.release is not None]
    return list(dict.fromkeys([*named, *made_by]))


async def retire(ports: Ports, repository_id: int) -> None:
    """The repository is gone or no longer ours: nothing of it runs or answers any more. Its id stays claimed."""
    service = await update(ports, repository_id, desired=Desired.REMOVED)
    if service is None:
        return
    await forget_addresses(ports, service)
    known = await ports.store.deployments_of(repository_id, limit=1000)
    await ports.engine.remove(service.service_id, [d.id for d in known])
    gone = {"live_deployment": None, "rollout": None, "listed": False}
    await update(ports, repository_id, when=lambda now: now.desired is Desired.REMOVED, **gone)
    await publish(ports)
