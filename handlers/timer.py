"""The sweep, every minute: look at what is in flight, restore what should run, forget what nobody needs."""

from __future__ import annotations

from bot import deployments, services
from bot.events import Tick
from bot.model import Desired
from bot.ports import Ports

PRUNE_EVERY = 10
"""Ticks between two prunings."""


async def handle(ports: Ports, event: Tick) -> None:
    for deployment in await ports.store.in_flight():
        await deployments.hint(ports, deployment)
    everything = await ports.store.services()
    for service in everything:
        if service.desired is Desired.REMOVED:
            continue
        await services.restore(ports, service)
    await services.publish(ports)
    if int(event.at // 60) % PRUNE_EVERY == 0:
        keep = [name for service in everything for name in await services.kept(ports, service)]
        await ports.engine.prune(keep)
