"""What the docker engine promises beyond the contract: what is built, how it is shut in, whose things it touches."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient
from docker.errors import NotFound

from bot.errors import Outage
from bot.model import Builder, BuildState, Deployment, InstanceState, LogKind, Release
from infra.embedded.docker import doctor
from infra.embedded.docker.client import Daemon
from infra.embedded.docker.engine import DockerEngine
from infra.embedded.docker.labels import Labels
from tests.engine.lab import Lab
from tests.engine.repository import PACKS, tarball
from tests.engines.bases import NAMES
from tests.engines.lab import NOT_FOR_DEPENDENCIES

pytestmark = pytest.mark.engines
OWN = f"""\
FROM {NAMES[1]}
ARG SERVICE_ID
ARG ECR_IMAGE_URI
RUN echo "built $SERVICE_ID as $ECR_IMAGE_URI"
COPY app.jar /
EXPOSE 8080
CMD ["sh", "-c", "echo it writes > /written && exec java -jar /app.jar"]
"""
Hello = tuple[Deployment, Release]


@pytest.fixture
def api() -> Iterator[APIClient]:
    with Daemon().asked() as asked:
        yield asked


@pytest.fixture
async def hello(lab: Lab) -> Hello:
    deployment = lab.deployment("hello")
    return deployment, await lab.built(deployment)


def container(api: APIClient, deployment: Deployment) -> dict[str, Any]:
    (found,) = api.containers(all=True, filters={"label": f"whaleray.deployment={deployment.id}"})
    inspected: dict[str, Any] = api.inspect_container(found["Id"])
    return inspected


def reaches(api: APIClient, deployment: Deployment, address: str) -> bool:
    command = ["bash", "-c", f"timeout 2 bash -c 'echo > /dev/tcp/{address}/8080'"]
    run = api.exec_create(container(api, deployment)["Id"], command)
    api.exec_start(run["Id"])
    return bool(api.exec_inspect(run["Id"])["ExitCode"] == 0)


def scripted(lab: Lab, script: str, **files: bytes) -> dict[str, bytes]:
    return lab.files(NOT_FOR_DEPENDENCIES + script) | files


async def built(lab: Lab, deployment: Deployment, files: dict[str, bytes], **plan: Any) -> str:
    """The log of a build that succeeded."""
    source = lab.source(deployment, body=tarball(files))
    variables = {"DEPLOYMENT_ID": deployment.id, "COMMIT_SHA": deployment.sha, "SERVICE_ID": deployment.service_id}
    await lab.engine.start_build(deployment, lab.plan(**plan), source, variables | {"ECR_IMAGE_URI": ""})
    seen = await lab.over(deployment)
    log = await lab.engine.log(deployment.id, LogKind.BUILD)
    assert seen.build is BuildState.SUCCEEDED, f"{seen.build_failure}\n{log}"
    return log


async def test_a_wrapper_from_windows_is_mended_and_what_must_not_be_in_an_image_is_left_out(lab: Lab) -> None:
    deployment = lab.deployment("windows")
    script = f'{PACKS} && find . -name ".env" && echo "$SERVICE_ID as $ECR_IMAGE_URI"'
    files = scripted(lab, script, **{".env": b"PASSWORD=x"})
    files["mvnw"] = files["mvnw"].replace(b"\n", b"\r\n")
    log = await built(lab, deployment, files)
    assert f"{deployment.service_id} as whaleray/{deployment.service_id}:{deployment.id}" in log
    assert "./.env" not in log


async def test_a_dockerignore_of_the_repository_is_the_one_that_counts(lab: Lab) -> None:
    files = scripted(lab, f"{PACKS} && find . -name '.env' -o -name 'secret'")
    files |= {".env": b"PASSWORD=x", "secret": b"x", ".dockerignore": b"secret\n"}
    log = await built(lab, lab.deployment("ignoring"), files)
    assert "./.env" in log
    assert "./secret" not in log


async def test_a_dockerfile_of_the_repository_is_built_and_runs_as_it_is(lab: Lab, api: APIClient) -> None:
    deployment = lab.deployment("own")
    inside = {f"backend/{name}": body for name, body in lab.files().items()}
    own = {"builder": Builder.DOCKERFILE, "wrapper": False, "dockerfile": "deploy/Dockerfile", "context": "backend"}
    log = await built(lab, deployment, inside | {"deploy/Dockerfile": OWN.encode()}, **own)
    assert f"built {deployment.service_id} as whaleray/{deployment.service_id}:{deployment.id}" in log
    release = (await lab.engine.observe(deployment.id)).release
    assert release is not None
    plan = lab.plan(dockerfile="deploy/Dockerfile")
    await lab.engine.start_rollout(deployment, lab.service(deployment), plan, release, {})
    (instance,) = await lab.healthy(deployment)
    assert "hello from" in await lab.get(instance)
    assert not container(api, deployment)["HostConfig"]["ReadonlyRootfs"]


async def test_a_dockerfile_that_is_not_there_or_cannot_be_read_is_said(lab: Lab) -> None:
    for name, dockerfile, what in (("gone", None, "`Dockerfile` is not in"), ("typo", b"FORM x\n", "can't be built")):
        deployment = lab.deployment(name)
        files = lab.files() | ({"Dockerfile": dockerfile} if dockerfile else {})
        plan = lab.plan(builder=Builder.DOCKERFILE, wrapper=False, dockerfile="Dockerfile")
        await lab.engine.start_build(deployment, plan, lab.source(deployment, body=tarball(files)), {})
        failure = (await lab.over(deployment)).build_failure
        assert failure is not None
        assert what in failure.what, failure


async def test_an_instance_is_shut_in_and_labelled(lab: Lab, api: APIClient, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    made = container(api, deployment)
    host, network = made["HostConfig"], Labels(lab.home.resolve() / "docker").network
    assert host["Memory"] == host["MemorySwap"] == 256 * 1024**2
    assert (host["NanoCpus"], host["PidsLimit"]) == (1_000_000_000, 1024)
    assert (host["CapDrop"], host["SecurityOpt"], host["Privileged"]) == (["ALL"], ["no-new-privileges"], False)
    assert host["ReadonlyRootfs"]
    assert list(host["Tmpfs"]) == ["/tmp"]
    assert host["LogConfig"] == {"Type": "local", "Config": {"max-size": "4m", "max-file": "2"}}
    assert {name: it["IPAddress"] for name, it in made["NetworkSettings"]["Networks"].items()} == {
        network: instance.address
    }
    assert made["Config"]["User"] == "10001:10001"
    assert made["Config"]["Labels"]["whaleray.service"] == deployment.service_id
    assert host["RestartPolicy"]["Name"] == "no", "its end is final until it is live"
    await lab.engine.scale(deployment.id, 1)
    assert container(api, deployment)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


async def test_services_cannot_reach_each_other_behind_the_routers_back(lab: Lab, api: APIClient, hello: Hello) -> None:
    deployment, release = hello
    other = lab.deployment("other", "other")
    neighbour = await lab.run(other, await lab.built(other))
    await lab.run(deployment, release)
    assert reaches(api, deployment, "127.0.0.1"), "itself it does reach"
    assert not reaches(api, deployment, neighbour.address)
    assert "hello from" in await lab.get(neighbour)


async def test_a_container_removed_by_hand_is_missed_and_made_again_at_its_address(
    lab: Lab, api: APIClient, hello: Hello
) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    api.remove_container(container(api, deployment)["Id"], force=True)
    assert (await lab.ended(deployment)).detail == "its container was removed"
    await lab.start(deployment, release)
    assert (await lab.ended(deployment)).detail == "its container was removed", "its end was final"
    await lab.engine.scale(deployment.id, 1)
    assert (await lab.healthy(deployment))[0].address == instance.address
    api.remove_container(container(api, deployment)["Id"], force=True)
    api.remove_image(release.artifact)
    await lab.engine.scale(deployment.id, 1)
    assert "its release is gone" in (await lab.ended(deployment)).detail


async def test_a_network_removed_by_hand_is_made_again(lab: Lab, api: APIClient, hello: Hello) -> None:
    deployment, release = hello
    instance = await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 0)
    await lab.ended(deployment)
    api.remove_network(Labels(lab.home.resolve() / "docker").network)
    await lab.engine.scale(deployment.id, 1)
    assert (await lab.healthy(deployment))[0].address == instance.address


def test_the_doctor_finds_nothing_wrong_here(tmp_path: Path) -> None:
    found = list(doctor.check(tmp_path, os.environ))
    assert [check.problem for check in found] == [None] * 4, found


async def test_an_image_that_cannot_be_started_says_why(lab: Lab) -> None:
    deployment = lab.deployment("broken")
    files = lab.files() | {"Dockerfile": f'FROM {NAMES[1]}\nCMD ["/no/such/program"]\n'.encode()}
    await built(lab, deployment, files, builder=Builder.DOCKERFILE, wrapper=False, dockerfile="Dockerfile")
    release = (await lab.engine.observe(deployment.id)).release
    assert release is not None
    await lab.start(deployment, release)
    detail = (await lab.ended(deployment)).detail
    assert "it could not be started" in detail
    assert "/no/such/program" in detail
    await lab.engine.scale(deployment.id, 1)
    assert (await lab.ended(deployment)).detail == detail


async def test_it_prunes_and_removes_its_own_and_nothing_else(
    lab: Lab, api: APIClient, hello: Hello, tmp_path: Path
) -> None:
    deployment, release = hello
    strangers = f"whaleray/{deployment.service_id}"
    api.tag(NAMES[0], strangers, "by-hand")
    other_home = DockerEngine(tmp_path / "other", young_s=0)
    try:
        await lab.run(deployment, release)
        await other_home.prune([])
        await other_home.remove(deployment.service_id, [deployment.id])
        assert (await lab.healthy(deployment))[0].state is InstanceState.HEALTHY
        await lab.engine.prune([])
        assert await lab.healthy(deployment), "what runs stays"
        await lab.engine.remove(deployment.service_id, [deployment.id])
        with pytest.raises(NotFound):
            api.inspect_image(release.artifact)  # type: ignore[no-untyped-call]  # its stub has no types
        with pytest.raises(NotFound):
            api.inspect_network(Labels(lab.home.resolve() / "docker").network)
        assert api.images(f"{strangers}:by-hand")
    finally:
        api.remove_image(f"{strangers}:by-hand")


async def test_what_a_call_that_was_cut_short_left_is_pruned(lab: Lab, api: APIClient, hello: Hello) -> None:
    deployment, release = hello
    await lab.run(deployment, release)
    for directory in (lab.home / "docker").glob(f"*/{deployment.id}"):
        directory.rename(lab.home / directory.parent.name)
    await lab.engine.prune([])
    assert lab.processes() == []
    with pytest.raises(NotFound):
        api.inspect_image(release.artifact)  # type: ignore[no-untyped-call]  # its stub has no types


async def test_whoever_waits_is_told_that_a_build_ended_and_that_an_instance_is_healthy(lab: Lab) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    listening = asyncio.create_task(lab.engine.hints(told.put))
    try:
        deployment = lab.deployment("hinted")
        await lab.start_build(deployment)
        assert await asyncio.wait_for(told.get(), lab.patience_s) == deployment.id
        release = (await lab.engine.observe(deployment.id)).release
        assert release is not None
        await lab.start(deployment, release)
        await lab.engine.observe(deployment.id)
        assert await asyncio.wait_for(told.get(), lab.patience_s) == deployment.id
        assert (await lab.engine.observe(deployment.id)).instances[0].state is InstanceState.HEALTHY
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def test_a_docker_that_hangs_holds_nobody_up_for_ten_seconds(lab: Lab, hello: Hello, tmp_path: Path) -> None:
    deployment, release = hello
    with socket.socket(socket.AF_UNIX) as deaf:
        path = Path("/tmp") / f"{deployment.id}.sock"
        deaf.bind(str(path))
        deaf.listen()
        try:
            engine = DockerEngine(tmp_path / "deaf", environment={"DOCKER_HOST": f"unix://{path}"})
            began = time.monotonic()
            with pytest.raises(Outage, match="too slow"):
                await engine.start_rollout(deployment, lab.service(deployment), lab.plan(), release, {})
            assert time.monotonic() - began < 10
            assert (await engine.observe("never")).build is BuildState.ABSENT
        finally:
            path.unlink()


async def test_a_build_on_a_docker_that_is_down_is_put_back_and_starts_when_it_is_there(lab: Lab) -> None:
    deployment = lab.deployment("patient")
    down = DockerEngine(lab.home, environment={"DOCKER_HOST": "unix:///nonexistent.sock"})
    with pytest.raises(Outage, match="does not answer"):
        await down.start_build(deployment, lab.plan(), lab.source(deployment), {})
    assert (await lab.engine.observe(deployment.id)).build is BuildState.ABSENT
    await lab.built(deployment)
