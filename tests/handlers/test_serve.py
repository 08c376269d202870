"""What keeps the bot looking: neither a full disk nor an engine that is out for a moment ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from bot import serve
from bot.errors import Outage
from bot.events import Hint
from tests.handlers.world import World


async def test_a_tick_that_can_not_be_stored_is_missed_and_the_next_one_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "TICK_S", 0.01)
    inbox, tried, send = world.ports.inbox, [], world.ports.inbox.send

    async def full_at_first(*args: object, **more: object) -> None:
        tried.append(args)
        if len(tried) == 1:
            raise Outage("The disk is full.")
        await send(*args, **more)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(inbox, "send", full_at_first)
    async with anyio.create_task_group() as group:
        group.start_soon(serve.tick, world.ports)
        with anyio.fail_after(5):
            assert await inbox.lease(wait=5) is not None
        group.cancel_scope.cancel()


async def test_hints_are_heard_again_after_an_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.serve("old")
    await world.rolling("new")
    monkeypatch.setattr(serve, "HEAR_AGAIN_S", 0.01)
    heard = []

    async def hints(tell: Callable[[str], Awaitable[None]]) -> None:
        heard.append(tell)
        if len(heard) == 1:
            raise Outage("The engine does not answer.")
        await tell("new")

    monkeypatch.setattr(world.engine, "hints", hints, raising=False)
    with anyio.fail_after(5):
        await serve.hear(world.ports)
    job = await world.ports.inbox.lease(wait=0)
    assert job is not None
    assert isinstance(job.event, Hint)
    assert job.event.deployment == "new"
