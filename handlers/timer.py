"""The sweep, every minute: look at what is in flight, restore what should run; every ten, forget what nobody needs and
take up deliveries that never arrived."""

from __future__ import annotations

from bot import deployments, services
from bot.events import Tick
from bot.model import Desired
from bot.ports import Ports

EVERY = 10
"""Ticks between two prunings, and between two looks for missed deliveries; the first tick of a process does both."""
MISSED_S = 3 * 86_400.0
"""GitHub keeps deliveries for redelivery this long."""
REDELIVERIES = 3
"""Times that one missed delivery is asked for again: one that keeps failing is not for us to mend."""


async def handle(ports: Ports, event: Tick) -> None:
    for deployment in await ports.store.in_flight():
        await deployments.hint(ports, deployment)
    everything = await ports.store.services()
    for service in everything:
        if service.desired is not Desired.REMOVED:
            await services.restore(ports, service)
    await services.publish(ports)
    if event.number % EVERY == 0:
        keep = [name for service in everything for name in await services.kept(ports, service)]
        await ports.engine.prune(keep)
        await _catch_up(ports)


async def _catch_up(ports: Ports) -> None:
    """GitHub never redelivers by itself."""
    for missed in await ports.github.missed_deliveries(ports.clock() - MISSED_S):
        for attempt in range(REDELIVERIES):
            if await ports.store.once(f"redelivered:{missed}:{attempt}"):
                await ports.github.redeliver(missed)
                break
