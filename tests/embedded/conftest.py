from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.conftest import archive, compiled
from tests.engine.lab import ProcessLab
from tests.engine.repository import Archive

__all__ = ["archive", "compiled", "lab"]


@pytest.fixture
async def lab(tmp_path: Path, compiled: dict[str, bytes], archive: Archive) -> AsyncIterator[ProcessLab]:
    made = ProcessLab(tmp_path / "whaleray", compiled, archive)
    yield made
    await made.close()
