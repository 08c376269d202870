"""A machine for each module of stories: each story has a repository of its own on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot import wiring
from infra.demo.machine import Machine
from tests.engine.repository import classes
from tests.stories.town import Town
from tests.support import openapi


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    return classes(_shared(tmp_path_factory))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, compiled: Mapping[str, bytes]) -> Iterator[Town]:
    machine = Machine(tmp_path_factory.mktemp("town"), end_services=wiring.end_services)
    machine.sandbox.checks.append(openapi.github().request)
    with machine:
        told = Town(machine, compiled)
        yield told
        told.http.close()
        assert not machine.sandbox.violations, machine.sandbox.violations


def _shared(factory: pytest.TempPathFactory) -> Path:
    """The one directory that all workers of a run have in common."""
    return factory.getbasetemp().parent
