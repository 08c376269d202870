"""The injected image, with the real Spring Boot in it. Maven fetches from Maven Central, as it would for anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from bot.model import Deployment, Health, LogKind, Release
from infra.embedded.docker.client import Daemon
from tests.engine.lab import Lab
from tests.engine.repository import tarball

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400), pytest.mark.xdist_group("spring")]
CONTROLLER = "src/main/java/com/example/hello/HelloController.java"
ACTUATOR = Health(path="/actuator/health", actuator=True)
FETCHED = re.compile(r"^#(\d+) .*RUN .*Fetching dependencies", re.MULTILINE)


@pytest.fixture
def api() -> Iterator[APIClient]:
    with Daemon().asked() as asked:
        yield asked


@pytest.fixture(autouse=True)
def patient(lab: Lab) -> None:
    lab.patience_s = 240


def hello() -> dict[str, bytes]:
    """The demonstration's application."""
    top = Path(str(resources.files("infra.demo"))) / "sample"
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


async def build(lab: Lab, deployment: Deployment, files: dict[str, bytes]) -> Release:
    body = tarball(files)
    await lab.start_build(deployment, body=body, wrapper=False, health=ACTUATOR)
    seen = await lab.over(deployment)
    assert seen.release is not None, f"{seen.build_failure}\n{await lab.engine.log(deployment.id, LogKind.BUILD)}"
    return seen.release


def layers(api: APIClient, release: Release) -> list[str]:
    found: dict[str, Any] = api.inspect_image(release.artifact)  # type: ignore[no-untyped-call]  # its stub
    return list(found["RootFS"]["Layers"])


def sizes(api: APIClient, release: Release) -> list[int]:
    """Bytes of each layer, the newest first; instructions that made none are left out."""
    steps: list[dict[str, Any]] = api.history(release.artifact)  # type: ignore[no-untyped-call]  # its stub
    return [int(step["Size"]) for step in steps if step["Size"]]


async def test_a_changed_class_is_all_that_moves_and_dependencies_are_fetched_once(lab: Lab, api: APIClient) -> None:
    first, second = lab.deployment("first"), lab.deployment("second")
    files = hello()
    before = await build(lab, first, files)
    files[CONTROLLER] = files[CONTROLLER].replace(b"Hello, Spring", b"Good day, Spring")
    after = await build(lab, second, files)
    assert layers(api, before)[:-1] == layers(api, after)[:-1]
    assert layers(api, before)[-1] != layers(api, after)[-1]
    assert_small_on_large(sizes(api, after))
    log = await lab.engine.log(second.id, LogKind.BUILD)
    step = FETCHED.search(log)
    assert step is not None
    assert f"\n#{step[1]} CACHED\n" in log


async def test_it_runs_as_nobody_within_its_memory_and_ends_gracefully(lab: Lab, api: APIClient) -> None:
    deployment = lab.deployment("hello")
    release = await build(lab, deployment, hello())
    plan = lab.plan(health=ACTUATOR, memory_mb=320)
    env = {"JAVA_TOOL_OPTIONS": "-Xlog:gc+init"}
    await lab.engine.start_rollout(deployment, lab.service(deployment), plan, release, env)
    (instance,) = await lab.healthy(deployment)
    assert "Hello, Spring" in await lab.get(instance)
    assert re.search(r"Heap Max Capacity: 240M", await lab.engine.log(deployment.id, LogKind.APP)), "75 % of 320 MB"
    (container,) = api.containers(filters={"label": f"whaleray.deployment={deployment.id}"})
    status = status_of(api.inspect_container(container["Id"])["State"]["Pid"])
    assert status["Name"] == "java", "no shell stands between Docker's SIGTERM and it"
    assert (status["Uid"], status["CapEff"], status["NoNewPrivs"]) == ("10001", "0000000000000000", "1")
    await lab.engine.scale(deployment.id, 0)
    assert (await lab.ended(deployment)).detail == "stopped"
    log = await lab.engine.log(deployment.id, LogKind.APP)
    assert "Commencing graceful shutdown" in log
    assert "Graceful shutdown complete" in log


async def test_spring_boot_2_is_taken_apart_by_its_older_tool(lab: Lab, api: APIClient) -> None:
    files = hello()
    files["pom.xml"] = re.sub(rb"<version>3\.[\d.]+</version>", b"<version>2.7.18</version>", files["pom.xml"])
    deployment = lab.deployment("old")
    release = await build(lab, deployment, files)
    instance = await lab.run(deployment, release)
    assert "Hello, Spring" in await lab.get(instance)
    assert_small_on_large(sizes(api, release))


def assert_small_on_large(newest: list[int]) -> None:
    """The application's layer lies on that of its dependencies."""
    assert newest[0] < 100_000
    assert max(newest[1:4]) > 10_000_000


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: text.split()[0] for name, _, text in (line.partition(":") for line in lines) if text.strip()}
