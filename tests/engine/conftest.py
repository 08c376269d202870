from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.engine.lab import LABS, Lab
from tests.engine.repository import Archive, classes


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    base = tmp_path_factory.getbasetemp()
    return classes(base.parent if base.name.startswith("popen-") else base)


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive() as served:
        yield served


@pytest.fixture(params=sorted(LABS))
async def lab(
    request: pytest.FixtureRequest, tmp_path: Path, compiled: dict[str, bytes], archive: Archive
) -> AsyncIterator[Lab]:
    """Every engine in turn."""
    made = LABS[request.param](tmp_path, compiled, archive)
    yield made
    await made.close()
