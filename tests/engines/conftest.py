from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.engine.lab import Lab
from tests.engine.repository import Archive, classes
from tests.engines.lab import DockerLab
from tests.engines.room import docker_engine


@pytest.fixture(scope="session", autouse=True)
def docker_host() -> Iterator[str]:
    """`make test-engines` starts one for all workers; without it a worker has its own."""
    before = os.environ.get("DOCKER_HOST")
    with docker_engine() as host:
        os.environ["DOCKER_HOST"] = host
        yield host
    if before is None:
        del os.environ["DOCKER_HOST"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    base = tmp_path_factory.getbasetemp()
    return classes(base.parent if base.name.startswith("popen-") else base)


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive() as served:
        yield served


@pytest.fixture
async def lab(tmp_path: Path, compiled: dict[str, bytes], archive: Archive) -> AsyncIterator[Lab]:
    made = DockerLab(tmp_path, compiled, archive)
    yield made
    await made.close()
