"""What `whaleray doctor` looks at, in order: the settings, this machine, GitHub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import httpx

from bot import doctor
from bot.doctor import Check
from bot.errors import SettingsError, WhaleRayError
from bot.model import EngineName
from bot.settings import Settings
from infra.embedded import doctor as machine
from infra.embedded.home import pin_engine, state_directory
from infra.github import GithubkitGitHub
from router.supervisor import running


def check(settings: Settings, github: Callable[[], GithubkitGitHub]) -> Iterator[Check]:
    """Every setting and everything that WhaleRay needs of this machine and of GitHub."""
    yield from doctor.of_settings(settings)
    try:
        directory = state_directory(settings)
    except SettingsError as error:
        yield Check.wrong("state directory", error)
        return
    yield from _engine_check(settings, directory)
    yield from _ports_check(settings, directory)
    if not settings.problems():
        yield anyio.run(_github_check, settings, github)


def _engine_check(settings: Settings, directory: Path) -> Iterator[Check]:
    try:
        name = pin_engine(settings, directory)
    except SettingsError as error:
        yield Check.wrong("engine", error)
        return
    yield Check("engine", name.value)
    if name is EngineName.DOCKER:
        from infra.embedded.docker import doctor as containers  # noqa: PLC0415

        yield from containers.check(directory, os.environ)
    else:
        yield from machine.check(directory, os.environ)


def _ports_check(settings: Settings, directory: Path) -> Iterator[Check]:
    if running(directory / "router"):
        yield Check("router", f"runs at {settings.local_router_url}")
    else:
        yield machine.port("router", settings.router_host, settings.router_port, "WHALERAY_ROUTER_PORT")
        yield machine.port("router's DNS", "127.0.0.1", settings.dns_port, "WHALERAY_DNS_PORT")
    if _is_ours(settings):
        yield Check("bot", f"runs at http://{settings.host}:{settings.port}")
    else:
        yield machine.port("bot", settings.host, settings.port, "WHALERAY_PORT")


def _is_ours(settings: Settings) -> bool:
    try:
        answer = httpx.get(f"http://{settings.host}:{settings.port}/metrics", timeout=2, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return "whaleray_" in answer.text


async def _github_check(settings: Settings, made: Callable[[], GithubkitGitHub]) -> Check:
    github = made()
    try:
        slug = await github.ping()
        installed = await github.installations()
    except WhaleRayError as error:
        return Check.wrong("GitHub", error)
    finally:
        await github.aclose()
    accounts = ", ".join(each.account for each in installed) or "nowhere yet"
    return Check("GitHub", f"the App {slug} at {settings.github_api_url}, installed on {accounts}")
