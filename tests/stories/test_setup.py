"""From nothing to the first delivery accepted: `whaleray setup`, GitHub's pages in a real browser, `whaleray serve`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from playwright.sync_api import Page

from bot import wiring
from infra.demo.machine import free_port
from infra.sandbox import Sandbox

PATIENCE_S = 60.0
T = TypeVar("T")


@dataclass
class Desk:
    """A directory in which somebody types commands, and the ports that they chose."""

    directory: Path
    sandbox: Sandbox
    environment: Mapping[str, str]
    url: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def whaleray(self, *arguments: str) -> subprocess.Popen[str]:
        log = (self.directory / f"{arguments[0]}.log").open("w")
        command = [sys.executable, "-u", "-m", "bot", *arguments]
        process = subprocess.Popen(
            command, cwd=self.directory, env=self.environment, stdout=log, stderr=subprocess.STDOUT, text=True
        )
        log.close()
        self.started.append(process)
        return process

    def said(self, command: str) -> str:
        return (self.directory / f"{command}.log").read_text()

    def ended(self, process: subprocess.Popen[str]) -> int:
        return process.wait(PATIENCE_S)


def until(look: Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"Waited {PATIENCE_S:.0f} s for {what}.")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    sandbox = Sandbox(tmp_path / "github")
    sandbox.start()
    sandbox.create_user("octocat")
    sandbox.create_organisation("octo-org")
    port, router, dns = free_port(), free_port(), free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WHALERAY_")}
    environment = {
        **inherited,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WHALERAY_HOME_DIR": str(tmp_path / "home"),
        "WHALERAY_PORT": str(port),
        "WHALERAY_ROUTER_PORT": str(router),
        "WHALERAY_DNS_PORT": str(dns),
        "WHALERAY_ENGINE": "process",
    }
    directory = tmp_path / "desk"
    directory.mkdir()
    made = Desk(directory, sandbox, environment, f"http://127.0.0.1:{port}")
    yield made
    for process in made.started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
    wiring.end_services(environment)
    sandbox.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def test_from_nothing_to_the_first_delivery(desk: Desk, page: Page) -> None:
    (desk.directory / ".env").write_text("# kept\nWHALERAY_LOG_FORMAT=json\n")
    setup = desk.whaleray("setup", "--api-url", desk.sandbox.api_url)
    address = until(lambda: re.search(r"Open (http\S+)", desk.said("setup")), "the address")[1]
    assert address.startswith(f"{desk.url}/setup?token=")

    page.goto(address)
    assert page.get_by_text("smee.io/new").is_visible()  # GitHub can't reach 127.0.0.1
    page.get_by_label("Organisation").fill("octo-org")
    page.get_by_role("button", name="Use these").click()
    page.get_by_role("button", name="Make the App in octo-org").click()
    page.get_by_role("heading", name="Create a GitHub App for octo-org").wait_for()
    page.get_by_label("Name").fill("WhaleRay here")
    page.get_by_role("button", name="Create GitHub App").click()
    page.get_by_role("heading", name="The App whaleray-here is made").wait_for()
    install = page.get_by_role("link", name="install the App").get_attribute("href")
    assert install == f"{desk.sandbox.url}/apps/whaleray-here/installations/new"
    assert desk.ended(setup) == 0
    assert f"install it: {install}" in desk.said("setup")

    kept = desk.directory / ".env"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().startswith("# kept\nWHALERAY_LOG_FORMAT=json\n")
    assert f"WHALERAY_GITHUB_API_URL='{desk.sandbox.api_url}'" in kept.read_text()
    [app] = desk.sandbox.world.apps.values()
    assert app.webhook_secret not in desk.said("setup")

    again = desk.whaleray("setup")
    assert desk.ended(again) == 2
    assert f"WhaleRay is set up already, as App {app.id}" in desk.said("setup")

    desk.whaleray("serve")
    until(lambda: answers(f"{desk.url}/readyz"), "the bot to be ready")
    page.goto(f"{desk.url}/setup")
    page.get_by_role("heading", name="WhaleRay is set up").wait_for()
    assert page.get_by_role("link", name="Install the App").get_attribute("href") == install
    desk.sandbox.create_repository("octo-org", "hello", files={"README.md": b"# Hello\n"})
    desk.sandbox.install("octo-org", ["octo-org/hello"], by="octocat")
    desk.sandbox.settle()
    deliveries = desk.sandbox.deliveries("installation")
    assert [each.status_code for each in deliveries] == [202]
    head = desk.sandbox.head("octo-org/hello")
    offered = until(lambda: desk.sandbox.check_runs("octo-org/hello", head), "the offer to deploy")
    assert offered[0]["external_id"] == "offer"


def test_a_directory_that_can_t_be_written_is_said_at_once(desk: Desk) -> None:
    (desk.directory / ".env").mkdir()
    setup = desk.whaleray("setup")
    assert desk.ended(setup) == 1
    assert "The credentials can't be kept in" in desk.said("setup")
    assert "Traceback" not in desk.said("setup")


def test_an_interrupted_setup_leaves_nothing(desk: Desk) -> None:
    setup = desk.whaleray("setup", "--api-url", desk.sandbox.api_url)
    until(lambda: answers(f"{desk.url}/healthz"), "the setup's page")
    assert httpx.get(f"{desk.url}/setup", trust_env=False).status_code == 403
    setup.send_signal(signal.SIGTERM)
    assert desk.ended(setup) == 0
    assert "Nothing was made." in desk.said("setup")
    assert not (desk.directory / ".env").exists()
