"""A hint that something happened to a deployment, or that it is due: look at it."""

from __future__ import annotations

from bot import deployments
from bot.events import Hint
from bot.ports import Ports


async def handle(ports: Ports, event: Hint) -> None:
    await deployments.progress(ports, event.deployment)


async def gave_up(ports: Ports, event: Hint) -> None:
    await deployments.give_up(ports, event.deployment)
