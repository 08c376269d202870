from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.router.rig import Rig


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One router for the tests of a module that only ask it something; they share its event loop."""
    rig = Rig(tmp_path_factory.mktemp("router"))
    rig.start()
    yield rig
    rig.stop()
    await rig.registry.aclose()


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A router of one's own, not started yet."""
    rig = Rig(tmp_path)
    yield rig
    rig.stop()
    await rig.registry.aclose()
