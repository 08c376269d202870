"""The real thing: the sample repository with its own Maven wrapper and dependencies from Maven Central, built and run.

The tests of one group share a machine's home, so that Maven Central is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import BuildPlan, BuildState, Deployment, Health, Instance, InstanceState, LogKind
from infra.demo import sample
from tests.engine.lab import ProcessLab
from tests.engine.repository import Archive, tarball

pytestmark = [pytest.mark.xdist_group("maven"), pytest.mark.timeout(300)]
HEALTH = "/actuator/health"


class SpringLab(ProcessLab):
    patience_s = 240.0

    def plan(self, **changes: object) -> BuildPlan:
        real = {"health": Health(path=HEALTH, actuator=True), "memory_mb": 512}
        return super().plan(**real | changes)


@pytest.fixture
async def spring(tmp_path: Path, archive: Archive) -> AsyncIterator[SpringLab]:
    made = SpringLab(tmp_path, {}, archive)
    yield made
    await made.close()


async def deploy(lab: SpringLab, deployment: Deployment, files: dict[str, bytes]) -> Instance:
    await lab.start_build(deployment, body=tarball(files))
    seen = await lab.over(deployment)
    assert seen.release is not None, await lab.engine.log(deployment.id, LogKind.BUILD)
    return await lab.run(deployment, seen.release)


async def test_a_repository_is_built_by_its_wrapper_and_its_versions_follow_each_other(
    spring: SpringLab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = await asyncio.to_thread(sample.files, tmp_path_factory.getbasetemp() / "wrapper")
    first, second, broken = (spring.deployment(name) for name in ("first", "second", "broken"))
    old = await deploy(spring, first, files)
    assert '"version":"1"' in await spring.get(old)
    assert '"status":"UP"' in await spring.get(old, HEALTH)
    new = await deploy(spring, second, files | sample.version(2, files))
    assert '"version":"2"' in await spring.get(new)
    assert '"version":"1"' in await spring.get(old)
    await spring.engine.scale(first.id, 0)
    assert (await spring.ended(first)).detail == "stopped"
    assert "Graceful shutdown complete" in await spring.engine.log(first.id, LogKind.APP)

    await spring.start_build(broken, body=tarball(files | sample.broken(files)))
    seen = await spring.over(broken)
    assert seen.build is BuildState.FAILED
    assert "cannot find symbol" in await spring.engine.log(broken.id, LogKind.BUILD)
    assert (await spring.engine.observe(second.id)).instances[0].state is InstanceState.HEALTHY
