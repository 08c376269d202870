"""What happens to a rollout when something else happens meanwhile."""

from __future__ import annotations

from bot import actions, deployments, services
from bot.model import Desired, Stage, Step
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
