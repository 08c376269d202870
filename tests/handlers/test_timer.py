"""The sweep."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot import services
from bot.errors import Gone, Outage
from bot.events import Hint, Tick
from bot.model import Deployment, Repository
from handlers import timer
from tests.handlers.world import REPOSITORY, SERVICE, World

TICK = Tick(at=0, number=1)


async def test_a_service_that_can_not_be_restored_holds_up_no_other(world: World) -> None:
    await world.serve("old")
    other = Repository(id=8, owner="octo-org", name="other", installation_id=1)
    await world.serve("its", other)
    world.engine.running.clear()
    world.engine.broken["old"] = Gone("Its release is gone.")

    await timer.handle(world.ports, TICK)
    assert world.engine.running["its"]
    assert set(await world.ports.registry.addresses("github_1-octo-org-other")) == set(world.engine.running["its"])


async def test_a_version_that_is_replaced_while_it_is_restored_does_not_come_back(world: World) -> None:
    await world.serve("old")
    await world.rolling("new")

    async def replaced(_: str) -> None:
        await world.finish("new")

    await services.update(world.ports, REPOSITORY.id, rollout=None)  # as read before its rollout began
    world.engine.on_scale = replaced
    await timer.handle(world.ports, TICK)
    assert world.engine.running["old"] == []
    assert await world.registered() == set(world.engine.running["new"])


async def test_an_end_that_was_not_settled_is_settled(world: World) -> None:
    await world.serve("old", rollout="old")
    await timer.handle(world.ports, TICK)
    job = await world.ports.inbox.lease(wait=0)
    assert job is not None
    assert isinstance(job.event, Hint)
    assert job.event.deployment == "old"


async def test_what_died_is_started_again_and_registered(world: World) -> None:
    await world.serve("old")
    world.engine.running.clear()
    await timer.handle(world.ports, TICK)
    assert world.engine.running["old"]
    assert set(await world.ports.registry.addresses(SERVICE)) == set(world.engine.running["old"])


async def test_nothing_is_pruned_while_the_store_is_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.serve("old")
    pruned: list[Sequence[str]] = []

    async def prune(keep: Sequence[str]) -> None:
        pruned.append(keep)

    async def out(*_: object, **__: object) -> Sequence[Deployment]:
        raise Outage("The store is out.")

    monkeypatch.setattr(world.engine, "prune", prune)
    every_tenth = Tick(at=0, number=10)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.ports.store, "deployments_of", out)
        with pytest.raises(Outage):
            await timer.handle(world.ports, every_tenth)
    assert pruned == []
    await timer.handle(world.ports, every_tenth)
    assert pruned == [["old"]]
