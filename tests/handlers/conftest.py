from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from bot.diagnosis import RulesAnalyst
from bot.model import EngineName
from bot.ports import Ports
from infra.embedded.queue import SqliteQueue
from infra.embedded.registry import SqliteRegistry
from infra.embedded.secrets import FileSecrets
from infra.embedded.store import SqliteStore
from tests.handlers.world import Engine, GitHub, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = SqliteStore(tmp_path / "whaleray.db")
    registry = SqliteRegistry(tmp_path / "registry.db", "http://127.0.0.1:9", "token")
    inbox, view = (SqliteQueue(tmp_path / "queue.db", name) for name in ("inbox", "view"))
    engine, github, clock = Engine(), GitHub(), [1000.0]
    ports = Ports(
        store=store,
        inbox=inbox,
        view=view,
        engine=cast(Any, engine),
        registry=registry,
        github=cast(Any, github),
        secrets=FileSecrets(tmp_path / "secrets"),
        analyst=RulesAnalyst(),
        sign_in=cast(Any, None),
        clock=lambda: clock[0],
        engine_name=EngineName.PROCESS,
        services_url="http://127.0.0.1:9",
        log_url=str,
        app_log_url=str,
        env_url=str,
    )
    yield World(ports, engine, github, clock)
    for closing in (inbox, view, registry, store):
        await closing.aclose()
