"""What every engine promises about builds."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.model import BuildState, LogKind, Stage
from tests.engine.lab import Lab
from tests.engine.repository import COMPILES

WAITS = "echo waiting; while :; do sleep 0.05; done"


async def test_nothing_is_known_of_a_deployment_that_was_never_built(lab: Lab) -> None:
    seen = await lab.engine.observe(lab.deployment("never").id)
    assert (seen.build, seen.instances, seen.release, seen.log_size) == (BuildState.ABSENT, (), None, 0)
    assert await lab.engine.log(lab.deployment("never").id, LogKind.BUILD) == ""


async def test_a_build_leaves_a_release_and_a_log(lab: Lab) -> None:
    deployment = lab.deployment("good")
    seen = await lab.build(deployment, COMPILES)
    assert seen.build is BuildState.SUCCEEDED, await lab.engine.log(deployment.id, LogKind.BUILD)
    assert seen.release is not None
    assert (seen.release.deployment, seen.release.sha) == (deployment.id, deployment.sha)
    assert seen.release.size > 0
    assert "$ ./mvnw -B -ntp -DskipTests package" in await lab.engine.log(deployment.id, LogKind.BUILD)


async def test_a_build_knows_its_variables(lab: Lab) -> None:
    deployment = lab.deployment("variables")
    await lab.build(deployment, 'echo "$DEPLOYMENT_ID at $COMMIT_SHA"; exit 3')
    assert f"{deployment.id} at {deployment.sha}" in await lab.engine.log(deployment.id, LogKind.BUILD)


async def test_a_build_that_fails_says_how_and_keeps_its_log(lab: Lab) -> None:
    deployment = lab.deployment("bad")
    seen = await lab.build(deployment, "echo 'cannot find symbol' >&2; exit 3")
    assert seen.build is BuildState.FAILED
    assert seen.build_failure is not None
    assert (seen.build_failure.stage, seen.build_failure.log) == (Stage.BUILDING, "build")
    assert "exit code 3" in seen.build_failure.why
    assert "cannot find symbol" in await lab.engine.log(deployment.id, LogKind.BUILD)


async def test_a_build_without_an_executable_jar_says_what_to_add(lab: Lab) -> None:
    seen = await lab.build(lab.deployment("plain"), "mkdir target; cp pom.xml target/x.jar")
    assert seen.build_failure is not None
    assert "no executable Spring Boot jar" in seen.build_failure.what
    assert "spring-boot-maven-plugin" in seen.build_failure.mend


async def test_the_log_can_be_read_while_it_builds(lab: Lab) -> None:
    deployment = lab.deployment("logging")
    await lab.start_build(deployment, WAITS)
    await lab.logged(deployment, LogKind.BUILD, "waiting")
    seen = await lab.engine.observe(deployment.id)
    assert seen.build is BuildState.RUNNING
    assert seen.log_size > 0
    await lab.engine.cancel(deployment.id)


async def test_a_build_that_runs_is_cancelled_for_real(lab: Lab) -> None:
    deployment = lab.deployment("cancelled")
    await lab.start_build(deployment, f"(trap '' TERM; {WAITS}) & trap '' TERM; wait")
    await lab.logged(deployment, LogKind.BUILD, "waiting")
    await lab.engine.cancel(deployment.id)
    assert (await lab.engine.observe(deployment.id)).build is BuildState.CANCELLED
    await lab.idle()
    assert (await lab.engine.observe(deployment.id)).build is BuildState.CANCELLED


async def test_a_build_cancelled_before_it_starts_never_starts(lab: Lab) -> None:
    deployment = lab.deployment("early")
    await lab.engine.cancel(deployment.id)
    await lab.start_build(deployment)
    assert (await lab.engine.observe(deployment.id)).build is BuildState.CANCELLED
    assert lab.archive.asked == []


async def test_cancelling_what_is_over_changes_nothing(lab: Lab) -> None:
    deployment = lab.deployment("over")
    await lab.built(deployment)
    await lab.engine.cancel(deployment.id)
    assert (await lab.engine.observe(deployment.id)).build is BuildState.SUCCEEDED


async def test_starting_a_build_twice_builds_once(lab: Lab) -> None:
    deployment = lab.deployment("twice")
    await asyncio.gather(*(lab.start_build(deployment) for _ in range(3)))
    lab.bot_dies()
    await lab.start_build(deployment)
    assert (await lab.over(deployment)).build is BuildState.SUCCEEDED
    await lab.start_build(deployment)
    assert (await lab.engine.observe(deployment.id)).build is BuildState.SUCCEEDED
    assert len(lab.archive.asked) == 1


async def test_a_build_outlives_the_bot(lab: Lab) -> None:
    deployment = lab.deployment("orphan")
    await lab.start_build(deployment)
    lab.bot_dies()
    assert (await lab.over(deployment)).build is BuildState.SUCCEEDED


async def test_a_build_whose_keeper_was_killed_has_an_end_and_leaves_nothing(lab: Lab) -> None:
    deployment = lab.deployment("shot")
    await lab.start_build(deployment, WAITS)
    await lab.logged(deployment, LogKind.BUILD, "waiting")
    lab.orphan(deployment.id)
    seen = await lab.over(deployment)
    assert seen.build is BuildState.FAILED
    assert seen.build_failure is not None
    assert "ended" in seen.build_failure.what
    await lab.engine.cancel(deployment.id)
    assert (await lab.engine.observe(deployment.id)).build is BuildState.FAILED
    await lab.idle()


async def test_source_that_cannot_be_fetched_is_said(lab: Lab) -> None:
    deployment = lab.deployment("nowhere")
    source = lab.source(deployment).model_copy(update={"token": "wrong"})
    await lab.engine.start_build(deployment, lab.plan(), source, {})
    seen = await lab.over(deployment)
    assert seen.build_failure is not None
    assert "401" in seen.build_failure.why
    assert seen.build_failure.log is None


async def test_more_builds_than_allowed_wait_and_no_service_waits_for_another_ones_crowd(lab: Lab) -> None:
    lab.bot_dies(max_builds=1)
    crowd = [lab.deployment(f"crowd-{n}", "crowd", f"pull/{n}") for n in range(3)]
    other = lab.deployment("other", "other")
    await lab.start_build(crowd[0], WAITS)
    await lab.logged(crowd[0], LogKind.BUILD, "waiting")
    for deployment in (*crowd[1:], other):
        await lab.start_build(deployment, WAITS)
        await lab.queued(deployment)
    for ended, begins in ((crowd[0], other), (other, crowd[1]), (crowd[1], crowd[2])):
        await lab.engine.cancel(ended.id)
        await lab.logged(begins, LogKind.BUILD, "waiting")
    await lab.engine.cancel(crowd[2].id)


async def test_a_service_with_a_build_at_work_lets_others_go_first(lab: Lab) -> None:
    lab.bot_dies(max_builds=2)
    first, second, third = (lab.deployment(f"crowd-{n}", "crowd", f"pull/{n}") for n in range(3))
    other = lab.deployment("other", "other")
    for deployment in (first, second):
        await lab.start_build(deployment, WAITS)
        await lab.logged(deployment, LogKind.BUILD, "waiting")
    for deployment in (third, other):
        await lab.start_build(deployment, WAITS)
        await lab.queued(deployment)
    await lab.engine.cancel(first.id)
    await lab.logged(other, LogKind.BUILD, "waiting")
    assert (await lab.engine.observe(third.id)).build is BuildState.QUEUED
    for deployment in (second, third, other):
        await lab.engine.cancel(deployment.id)


async def test_a_build_that_waits_is_cancelled_too(lab: Lab) -> None:
    lab.bot_dies(max_builds=1)
    first, second = lab.deployment("first"), lab.deployment("second")
    await lab.start_build(first, WAITS)
    await lab.logged(first, LogKind.BUILD, "waiting")
    await lab.start_build(second)
    await lab.queued(second)
    await lab.engine.cancel(second.id)
    assert (await lab.engine.observe(second.id)).build is BuildState.CANCELLED
    await lab.engine.cancel(first.id)


async def test_a_build_that_takes_too_long_is_ended(lab: Lab, tmp_path: Path) -> None:
    lab.bot_dies(build_timeout_s=0.5)
    seen = await lab.build(lab.deployment("slow"), "trap '' TERM; while :; do sleep 0.1; done")
    assert seen.build_failure is not None
    assert seen.build_failure.what == "The build took too long."
    await lab.idle()
