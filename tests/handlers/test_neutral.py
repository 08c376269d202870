"""The check of a commit that is not deployed."""

from __future__ import annotations

from bot import neutral
from bot.events import Neutral
from tests.handlers.world import REPOSITORY, World


async def test_the_newest_reason_is_shown_last_also_when_an_older_one_still_waits(world: World) -> None:
    await neutral.show(world.ports, REPOSITORY, "a" * 40, "offer")
    await neutral.show(world.ports, REPOSITORY, "a" * 40, "locked")
    await neutral.show(world.ports, REPOSITORY, "a" * 40, "locked")
    shown = []
    while (job := await world.ports.view.lease(wait=0)) is not None:
        assert isinstance(job.event, Neutral)
        shown.append(job.event.reason)
        await world.ports.view.ack(job)
    assert shown == ["offer", "locked"]
