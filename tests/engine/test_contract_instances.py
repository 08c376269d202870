"""What every engine promises about running applications."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bot.errors import WhaleRayError
from bot.model import Deployment, InstanceState, LogKind, Release
from tests.engine.lab import Lab


@pytest.fixture
async def hello(lab: Lab) -> tuple[Deployment, Release]:
    deployment = lab.deployment("hello")
    return deployment, await lab.built(deployment)


Hello = tuple[Deployment, Release]


async def test_it_starts_becomes_healthy_and_answers_at_its_own_address(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release, TEST_SAYS="good day")
    assert await lab.get(instance) == f"good day from {deployment.short_sha}"
    assert instance.port == 8080
    assert "listening" in await lab.engine.log(deployment.id, LogKind.APP)


async def test_several_instances_have_an_address_each(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.run(deployment, release, instances=2)
    instances = await lab.healthy(deployment, 2)
    assert len({instance.address for instance in instances}) == 2
    assert {await lab.get(instance) for instance in instances} == {f"hello from {deployment.short_sha}"}


async def test_starting_twice_starts_once(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await asyncio.gather(*(lab.start(deployment, release) for _ in range(3)))
    lab.bot_dies()
    instance = await lab.run(deployment, release)
    assert (await lab.engine.log(deployment.id, LogKind.APP)).count("listening") == 1
    assert await lab.healthy(deployment) == (instance,)


async def test_an_application_that_stops_while_it_starts_has_ended_and_keeps_its_log(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.start(deployment, release, TEST_EXIT="42")
    instance = await lab.ended(deployment)
    assert instance.detail == "exit code 42"
    assert "the database is on fire" in await lab.engine.log(deployment.id, LogKind.APP)
    await lab.start(deployment, release, TEST_EXIT="42")
    assert (await lab.engine.log(deployment.id, LogKind.APP)).count("on fire") == 1, "its end was final"


async def test_one_that_is_never_healthy_says_what_the_probe_heard(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.start(deployment, release, TEST_SICK="yes")
    seen = await lab.until(deployment, lambda seen: "503" in seen.instances[0].detail, "the probe")
    assert seen.instances[0].state is InstanceState.STARTING
    assert seen.instances[0].detail == "GET /health: 503"


async def test_one_that_starts_slowly_is_waited_for(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.start(deployment, release, TEST_SLOW_MS="700")
    await lab.logged(deployment, LogKind.APP, "starting")
    assert (await lab.engine.observe(deployment.id)).instances[0].state is InstanceState.STARTING
    await lab.healthy(deployment)


async def test_one_that_crashes_before_it_is_kept_has_ended(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await lab.crash(instance)
    assert (await lab.ended(deployment)).detail == "exit code 7"


async def test_one_that_is_kept_is_started_again_when_it_crashes(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 1)
    await lab.crash(instance)
    await lab.wait(lambda: lab.silent(instance), lambda silent: not silent, "it to answer again")
    assert (await lab.healthy(deployment))[0].address == instance.address


async def test_scaled_to_none_it_ends_and_scaled_back_it_answers_at_the_same_address(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 0)
    assert (await lab.ended(deployment)).detail == "stopped"
    assert await lab.silent(instance)
    await lab.engine.scale(deployment.id, 0)
    lab.bot_dies()
    await lab.engine.scale(deployment.id, 1)
    assert (await lab.healthy(deployment))[0].address == instance.address
    assert await lab.get(instance) == f"hello from {deployment.short_sha}"


async def test_down_and_up_at_once_is_up(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.run(deployment, release)
    for _ in range(5):
        await lab.engine.scale(deployment.id, 0)
        await lab.engine.scale(deployment.id, 1)
    await lab.until(deployment, lambda seen: seen.instances[0].state is not InstanceState.EXITED, "it to start again")
    instance = (await lab.healthy(deployment))[0]
    await lab.wait(lambda: lab.silent(instance), lambda silent: not silent, "it to answer")


async def test_whoever_scales_at_the_same_time_leaves_one_of_both_states(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await asyncio.gather(*(lab.engine.scale(deployment.id, n % 2) for n in range(10)))
    await lab.engine.scale(deployment.id, 1)
    await lab.healthy(deployment)
    await lab.wait(lambda: lab.silent(instance), lambda silent: not silent, "it to answer")


async def test_more_instances_are_started_from_the_same_release(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 2)
    instances = await lab.healthy(deployment, 2)
    assert len({instance.address for instance in instances}) == 2
    await lab.engine.scale(deployment.id, 1)
    await lab.until(deployment, lambda seen: seen.instances[1].state is InstanceState.EXITED, "the second's end")
    assert (await lab.engine.observe(deployment.id)).instances[0].state is InstanceState.HEALTHY


async def test_one_that_ignores_sigterm_is_killed(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release, TEST_IGNORE_TERM="yes")
    await lab.engine.scale(deployment.id, 0)
    assert "killed" in (await lab.ended(deployment)).detail
    assert "not yet" in await lab.engine.log(deployment.id, LogKind.APP), "it was asked first"
    assert await lab.silent(instance)


async def test_one_that_starts_is_cancelled_for_real_and_never_starts_again(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.start(deployment, release, TEST_SLOW_MS="600000")
    await lab.logged(deployment, LogKind.APP, "starting")
    await lab.engine.cancel(deployment.id)
    await lab.ended(deployment)
    await lab.start(deployment, release)
    await lab.engine.scale(deployment.id, 1)
    assert (await lab.ended(deployment)).state is InstanceState.EXITED
    await lab.idle()


async def test_one_cancelled_before_its_rollout_never_starts(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    await lab.engine.cancel(deployment.id)
    await lab.start(deployment, release)
    assert (await lab.engine.observe(deployment.id)).instances == ()
    await lab.idle()


async def test_an_application_outlives_the_bot(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    lab.bot_dies()
    assert await lab.healthy(deployment) == (instance,)
    assert await lab.get(instance) == f"hello from {deployment.short_sha}"


async def test_an_application_whose_keeper_was_killed_comes_back(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 1)
    lab.orphan(deployment.id)
    await lab.ended(deployment)
    await lab.engine.scale(deployment.id, 1)
    assert (await lab.healthy(deployment))[0].address == instance.address
    assert await lab.get(instance) == f"hello from {deployment.short_sha}"


async def test_a_new_version_runs_beside_the_old_one_and_an_older_release_comes_back(lab: Lab, hello: Hello) -> None:
    first, old = hello
    second = lab.deployment("second")
    new = await lab.built(second)
    before = await lab.run(first, old)
    after = await lab.run(second, new)
    assert await lab.get(before) == f"hello from {first.short_sha}"
    assert await lab.get(after) == f"hello from {second.short_sha}"
    await lab.engine.scale(first.id, 0)
    rollback = lab.deployment("rollback")
    again = await lab.run(rollback, old)
    assert await lab.get(again) == f"hello from {first.short_sha}"
    assert len({before.address, after.address, again.address}) == 3


async def test_two_services_do_not_meet(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    other = lab.deployment("other", "other")
    instance, stranger = await asyncio.gather(lab.run(deployment, release), lab.run(other, await lab.built(other)))
    assert instance.address != stranger.address
    await lab.engine.remove(deployment.service_id, [deployment.id])
    assert await lab.get(stranger) == f"hello from {other.short_sha}"


async def test_what_is_removed_is_gone(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 1)
    await lab.engine.remove(deployment.service_id, [deployment.id])
    assert (await lab.engine.observe(deployment.id)).instances == ()
    assert await lab.engine.log(deployment.id, LogKind.BUILD) == ""
    await lab.wait(lambda: lab.silent(instance), bool, "silence")
    await lab.idle()
    await lab.engine.remove(deployment.service_id, [deployment.id])
    with pytest.raises(WhaleRayError, match="release"):
        await lab.start(lab.deployment("later"), release)


async def test_pruning_keeps_what_it_is_told_what_runs_and_what_that_runs_from(lab: Lab, hello: Hello) -> None:
    _, release = hello
    kept, dropped, rollback = (lab.deployment(name) for name in ("kept", "dropped", "rollback"))
    kept_release, dropped_release = await lab.built(kept), await lab.built(dropped)
    running = await lab.run(rollback, release)
    await lab.engine.prune([kept.id])
    assert await lab.engine.log(kept.id, LogKind.BUILD) != ""
    assert (await lab.engine.observe(kept.id)).release == kept_release
    assert await lab.engine.log(dropped.id, LogKind.BUILD) == ""
    with pytest.raises(WhaleRayError, match="release"):
        await lab.start(lab.deployment("late"), dropped_release)
    await lab.engine.scale(rollback.id, 1)
    await lab.crash(running)
    await lab.wait(lambda: lab.silent(running), lambda silent: not silent, "it to start again from its release")


async def test_pruning_spares_what_has_only_begun(lab: Lab) -> None:
    lab.bot_dies(young_s=60)
    deployment = lab.deployment("young")
    await lab.built(deployment)
    await lab.engine.prune([])
    assert (await lab.engine.observe(deployment.id)).release is not None


async def test_memory_is_limited(lab: Lab, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release, JAVA_TOOL_OPTIONS="-XX:MaxDirectMemorySize=2g")
    with pytest.raises(httpx.HTTPError):
        await lab.get(instance, "/eat")
    assert "256 MB of memory" in (await lab.ended(deployment)).detail
