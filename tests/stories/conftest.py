"""A machine for each module of stories: each story has a repository of its own on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from bot import wiring
from infra.demo.machine import Machine
from tests.engine.repository import classes
from tests.stories.town import Town
from tests.support import openapi

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""Debian's; None: the one that `playwright install chromium` fetched."""


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


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """In a real browser; `light` unless a test says `dark`. What goes wrong in it fails the test."""
    confined = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=confined)
        context = browser.new_context(
            color_scheme=getattr(request, "param", "light"),
            viewport={"width": 900, "height": 900},
            device_scale_factor=2,
        )
        shown = context.new_page()
        wrong: list[str] = []
        shown.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        shown.on("pageerror", lambda error: wrong.append(str(error)))
        yield shown
        assert wrong == []
        browser.close()


def _shared(factory: pytest.TempPathFactory) -> Path:
    """The one directory that all workers of a run have in common."""
    return factory.getbasetemp().parent
