"""The sweep, every minute: look at what is in flight, restore what should run; every ten, forget what nobody needs and
take up deliveries that never arrived."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import structlog

from bot import deployments, services
from bot.errors import Outage, WhaleRayError
from bot.events import Tick
from bot.model import Deployment, Desired, Service
from bot.ports import Ports

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Services that are looked at at the same time."""
EVERY = 10
"""Ticks between two prunings, and between two looks for missed deliveries; the first tick of a process does both."""
MISSED_S = 3 * 86_400.0
"""GitHub keeps deliveries for redelivery this long."""
REDELIVERIES = 3
"""Times that one missed delivery is asked for again: one that keeps failing is not for us to mend."""


async def handle(ports: Ports, event: Tick) -> None:
    everything = await ports.store.services()
    for deployment in await _unsettled(ports, everything):
        await deployments.hint(ports, deployment)
    await _restore(ports, [service for service in everything if service.desired is not Desired.REMOVED])
    await services.publish(ports)
    if event.number % EVERY == 0:
        await ports.engine.prune(await _kept(ports, everything))
        await _catch_up(ports, event)


async def _unsettled(ports: Ports, everything: Sequence[Service]) -> list[Deployment]:
    """What is in flight, and what has ended while its service still waits for the end of its rollout."""
    found = list(await ports.store.in_flight())
    known = {deployment.id for deployment in found}
    for service in everything:
        if service.rollout is not None and service.rollout not in known:
            ended = await ports.store.deployment(service.rollout)
            found += [ended] if ended is not None else []
    return found


async def _restore(ports: Ports, wanted: Sequence[Service]) -> None:
    """One that can't be restored holds up no other."""
    failed: list[tuple[str, str]] = []

    async def restore(service: Service) -> None:
        try:
            await services.restore(ports, service.repository_id)
        except WhaleRayError as error:
            failed.append((service.service_id, str(error)))

    await _each(wanted, restore)
    if failed:
        log.warning("services can't be restored", count=len(failed), first=failed[0][0], why=failed[0][1])


async def _kept(ports: Ports, everything: Sequence[Service]) -> list[str]:
    """Raises Outage: what is not known to be wanted would be taken for unwanted."""
    names: list[str] = []
    failed: list[Outage] = []

    async def keep(service: Service) -> None:
        try:
            names.extend(await services.kept(ports, service))
        except Outage as outage:
            failed.append(outage)

    await _each(everything, keep)
    if failed:
        raise failed[0]
    return names


async def _each(wanted: Sequence[Service], act: Callable[[Service], Awaitable[None]]) -> None:
    """Several at once: a job has 30 s for all of them."""
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def one(service: Service) -> None:
        async with limiter:
            await act(service)

    async with anyio.create_task_group() as group:
        for service in wanted:
            group.start_soon(one, service)


async def _catch_up(ports: Ports, event: Tick) -> None:
    """GitHub never redelivers by itself."""
    for missed in await ports.github.missed_deliveries(ports.clock() - MISSED_S):
        for attempt in range(REDELIVERIES):
            if await ports.store.once(f"redelivered:{missed}:{attempt}", f"tick-{event.at}"):
                await ports.github.redeliver(missed)
                break
