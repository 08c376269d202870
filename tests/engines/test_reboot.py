"""What a restart of Docker, as at a reboot, leaves of services."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker import APIClient

from bot.errors import Outage
from bot.model import Builder, Deployment
from tests.engine.lab import Lab
from tests.engine.repository import Archive, tarball
from tests.engines import bases, room
from tests.engines.lab import DockerLab

pytestmark = pytest.mark.engines
OFFLINE = ("--bridge", "none", "--iptables=false")
"""An engine of its own beside the other one, with no network that both would have to share."""
DOCKERFILE = f'FROM {bases.NAMES[1]}\nCOPY app.jar /\nCMD ["java", "-jar", "/app.jar"]\n'.encode()


async def started(lab: Lab, name: str) -> Deployment:
    deployment = lab.deployment(name, name)
    body = tarball(lab.files() | {"Dockerfile": DOCKERFILE})
    await lab.start_build(deployment, body=body, builder=Builder.DOCKERFILE, wrapper=False, dockerfile="Dockerfile")
    release = (await lab.over(deployment)).release
    assert release is not None
    await lab.run(deployment, release)
    await lab.engine.scale(deployment.id, 1)
    return deployment


async def test_what_was_kept_runs_again_at_its_address_and_what_was_stopped_stays_so(
    tmp_path: Path, compiled: dict[str, bytes], archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with room.place() as directory:
        with room.running(directory, *OFFLINE) as host:
            monkeypatch.setenv("DOCKER_HOST", host)
            with APIClient(host, timeout=120) as api:
                bases.make(api)
            lab = DockerLab(tmp_path, compiled, archive)
            kept, stopped = await started(lab, "kept"), await started(lab, "stopped")
            before = await lab.healthy(kept)
            await lab.engine.scale(stopped.id, 0)
            await lab.ended(stopped)
        with pytest.raises(Outage, match="does not answer"):
            await lab.engine.observe(kept.id)
        with room.running(directory, *OFFLINE):
            after = await lab.healthy(kept)
            assert after == before
            assert "hello from" in await lab.get(after[0])
            await lab.ended(stopped)
            await lab.close()
