"""What happens to a rollout when something else happens meanwhile."""

from __future__ import annotations

import pytest

from bot import actions, deployments, locks, services
from bot.errors import Outage
from bot.model import Builder, BuildPlan, Desired, Lock, Service, Stage, Step
from tests.handlers.world import REPOSITORY, World


async def test_a_stop_during_a_rollout_holds_when_the_rollout_has_ended(world: World) -> None:
    await world.serve("old")
    await world.rolling("new")
    said = await actions.stop(world.ports, world.asked())
    assert said.done
    assert world.engine.running["old"], "the rollout finishes first, and the old version serves meanwhile"

    await world.finish("new")
    assert (await world.deployment("new")).stage is Stage.RUNNING
    assert (await world.service()).desired is Desired.STOPPED
    assert world.engine.running["new"] == []
    assert world.engine.running["old"] == []
    assert await world.registered() == set()


async def test_a_deployment_that_was_asked_for_after_a_stop_starts_the_service(world: World) -> None:
    await world.serve("old")
    await actions.stop(world.ports, world.asked())
    await world.rolling("new")
    await world.finish("new")
    assert (await world.service()).desired is Desired.RUNNING
    assert await world.registered() == set(world.engine.running["new"])


async def test_a_restart_during_a_rollout_restarts_what_is_about_to_be_live(world: World) -> None:
    await world.serve("old")
    new = await world.rolling("new")
    await actions.restart(world.ports, world.asked())
    again = next(d for d in await world.ports.store.deployments_of(REPOSITORY.id) if d.id not in ("old", "new"))
    assert again.sha == new.sha
    assert again.release == new.release


async def test_a_rollout_that_fails_leaves_the_live_version_as_many_instances_as_it_had(world: World) -> None:
    await world.serve("old")
    await world.rolling("new", until=Step.HEALTHY, instances=3)
    await deployments.give_up(world.ports, "new")
    await services.restore(world.ports, REPOSITORY.id)
    assert len(world.engine.running["old"]) == 1


async def test_a_version_with_more_instances_keeps_them(world: World) -> None:
    await world.serve("old")
    await world.rolling("new", until=Step.HEALTHY, instances=3)
    await world.finish("new")
    assert len(world.engine.running["new"]) == 3
    assert await world.registered() == set(world.engine.running["new"])


async def test_nothing_answers_for_a_service_that_was_removed_during_its_rollout(world: World) -> None:
    await world.serve("old")
    new = await world.rolling("new", until=Step.REGISTER)
    await services.retire(world.ports, REPOSITORY.id)
    # A worker that was in the middle of this step goes on with what it had read before.
    await world.ports.registry.register(new.service_id, world.engine.running.get("new", ["127.9.9.9"]), 8080)

    await deployments.progress(world.ports, "new")
    assert (await world.deployment("new")).stage is Stage.CANCELLED
    assert await world.registered() == set()


async def test_a_first_rollout_that_fails_leaves_no_address_behind(world: World) -> None:
    world.clock[0] += 1
    await world.serve("old")
    await services.update(world.ports, REPOSITORY.id, live_deployment=None)
    await world.rolling("new", until=Step.CONFIRM)
    await world.engine.cancel("new")  # as if the machine had lost it
    await deployments.give_up(world.ports, "new")
    assert await world.registered() == set()


def read_before(world: World, monkeypatch: pytest.MonkeyPatch, earlier: Service) -> None:
    """The next read of the service gives what it was a moment ago: another worker is in between."""
    store = world.ports.store
    read, given = store.service, [earlier]

    async def service(repository_id: int) -> Service | None:
        return given.pop() if given else await read(repository_id)

    monkeypatch.setattr(store, "service", service)


async def test_who_settles_a_failure_leaves_the_rollout_that_has_begun_since_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.serve("old")
    await world.rolling("bad", until=Step.HEALTHY)
    earlier = await world.service()
    bad = await world.deployment("bad")
    await world.ports.store.put_deployment(bad.model_copy(update={"stage": Stage.FAILED}))
    await world.rolling("new", until=Step.HEALTHY)

    read_before(world, monkeypatch, earlier)
    await deployments.settle(world.ports, await world.deployment("bad"))
    assert (await world.service()).rollout == "new"


async def test_who_frees_a_lock_frees_no_other_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = await world.serve("old", locked_by=Lock(owner="octocat"))
    await services.update(world.ports, REPOSITORY.id, locked_by=Lock(owner="mona"))
    read_before(world, monkeypatch, earlier)
    await locks.unlock(world.ports, REPOSITORY, "octocat")
    assert (await world.service()).locked_by == Lock(owner="mona")


@pytest.mark.parametrize(("rollout", "port"), [(None, 9000), ("first", 8080)])
async def test_a_port_is_frozen_as_soon_as_a_rollout_uses_it(
    world: World, monkeypatch: pytest.MonkeyPatch, rollout: str | None, port: int
) -> None:
    await world.serve("old")
    await services.update(world.ports, REPOSITORY.id, listed=False, rollout=rollout)
    await world.ports.store.put_deployment(world.made("next", Stage.INSPECTING))

    async def planned(*_: object) -> BuildPlan:
        return BuildPlan(builder=Builder.MAVEN, port=9000)

    monkeypatch.setattr(deployments, "inspect", planned)
    with pytest.raises(Outage):  # there is no source to build
        await deployments.progress(world.ports, "next")
    assert (await world.service()).port == port
