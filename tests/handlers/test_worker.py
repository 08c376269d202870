"""What becomes of a job that can't be done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.errors import Conflict, OurError, Outage
from bot.events import Event, Tick
from bot.ports import Job
from bot.worker import MAX_ATTEMPTS, Worker
from tests.handlers.world import World


async def tried(world: World, error: Exception, times: int) -> Sequence[Event]:
    """The events that were given up after so many tries."""
    given_up: list[Event] = []

    async def dispatch(_: Event) -> None:
        raise error

    async def gave_up(event: Event) -> None:
        given_up.append(event)

    worker = Worker("inbox", world.ports.inbox, dispatch, gave_up, concurrency=1)
    for attempts in range(1, times + 1):
        await worker.work(
            Job(id="1", event=Tick(at=0), group="timer", receipt="r", attempts=attempts, sent_at=world.clock[0])
        )
    return given_up


@pytest.mark.parametrize("error", [Conflict("It changes too often."), OurError("It broke."), ValueError("It broke.")])
async def test_whoever_asked_is_told_when_it_is_given_up(world: World, error: Exception) -> None:
    assert await tried(world, error, MAX_ATTEMPTS - 1) == []
    assert await tried(world, error, MAX_ATTEMPTS) == [Tick(at=0)]


async def test_an_outage_is_never_given_up(world: World) -> None:
    assert await tried(world, Outage("GitHub is out."), MAX_ATTEMPTS * 3) == []
