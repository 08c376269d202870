"""The composition root: settings in, adapters out. Nothing else in `bot` knows which adapters there are."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import handlers
from bot.diagnosis import RulesAnalyst
from bot.errors import SettingsError
from bot.events import Event
from bot.model import EngineName
from bot.ports import Ports
from bot.serve import Runtime
from bot.settings import Settings
from bot.web import WebSettings, log_link
from infra.embedded.process import ProcessEngine
from infra.embedded.queue import SqliteQueue
from infra.embedded.registry import SqliteRegistry
from infra.embedded.secrets import FileSecrets
from infra.embedded.store import SqliteStore
from infra.github import GithubkitGitHub
from router.config import RouterConfig
from router.supervisor import run_router, running, start_detached

TTL_S = 1
"""How long the router may keep an address that it resolved."""


def home(settings: Settings) -> Path:
    """The state directory, made where it is missing. Raises SettingsError."""
    directory = settings.home_dir.expanduser()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = directory / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"The state directory {directory} can't be written.",
            f"{error.strerror}.",
            "Name a directory of your own in WHALERAY_HOME_DIR, with room for builds.",
        ) from error
    return directory.resolve()


def _kept_secret(path: Path) -> str:
    """A random value that stays: made once, whoever comes first."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_text().strip()


def runtime(settings: Settings, wrap: Callable[[Ports], Ports] = lambda ports: ports) -> Runtime:
    """The whole bot of one machine. `wrap` stands between it and its ports (tests put a saboteur there)."""
    directory = home(settings)
    web = WebSettings(
        secrets=settings.webhook_secrets,
        link_key=_kept_secret(directory / "link.key").encode(),
        own_url=settings.own_url,
    )
    store = SqliteStore(directory / "whaleray.db")
    inbox = SqliteQueue(directory / "queue.db", "inbox")
    view = SqliteQueue(directory / "queue.db", "view")
    engine = ProcessEngine(
        directory, build_timeout_s=settings.build_timeout_s, start_timeout_s=settings.start_timeout_s
    )
    github = GithubkitGitHub(
        settings.github_app_id,
        settings.private_key(),
        settings.github_client_id,
        settings.github_client_secret.get_secret_value(),
        settings.github_api_url,
    )
    ports = wrap(
        Ports(
            store=store,
            inbox=inbox,
            view=view,
            engine=engine,
            registry=registry(settings, directory),
            github=github,
            secrets=FileSecrets(directory / "secrets"),
            analyst=RulesAnalyst(),
            clock=time.time,
            engine_name=EngineName.PROCESS,
            services_url=settings.services_url,
            log_url=lambda deployment: log_link(web, deployment),
            build_timeout_s=settings.build_timeout_s,
            start_timeout_s=settings.start_timeout_s,
            fork_code=engine.sandboxed,
        )
    )

    def handle(event: Event) -> Awaitable[None]:
        return handlers.handle(ports, event)

    def gave_up(event: Event) -> Awaitable[None]:
        return handlers.gave_up(ports, event)

    async def close() -> None:
        await github.aclose()
        for closing in (inbox, view, store):
            await closing.aclose()

    return Runtime(ports=ports, web=web, handle=handle, gave_up=gave_up, close=close)


def registry(settings: Settings, directory: Path) -> SqliteRegistry:
    return SqliteRegistry(
        directory / "registry.db", settings.local_router_url, _kept_secret(directory / "probe.key"), ttl_s=TTL_S
    )


def router_config(settings: Settings, directory: Path) -> RouterConfig:
    return RouterConfig(
        state_dir=directory / "router",
        host=settings.router_host,
        port=settings.router_port,
        dns_port=settings.dns_port,
        probe_token=_kept_secret(directory / "probe.key"),
        ttl_s=TTL_S,
    )


def route(settings: Settings) -> None:
    """Be the router, until told to stop."""
    directory = home(settings)
    known = registry(settings, directory)
    run_router(router_config(settings, directory), known.lookup, known.listed)


def ensure_router(settings: Settings) -> None:
    """Start the detached router where none runs: it outlives this process."""
    config = router_config(settings, home(settings))
    if not running(config.state_dir):
        start_detached([sys.executable, "-m", "bot", "router"], config.state_dir)


def demo(settings: Settings, *, once: bool) -> bool:
    """Whether the demonstration's whole story happened."""
    directory = home(settings) / "demo"
    jdk = ensure_jdk(directory / "jdk", _machine_jdk())
    return run_demo(directory, once=once, extra={"JAVA_HOME": str(jdk)}, end_services=end_services)


def end_services(environment: Mapping[str, str]) -> None:
    """End the router and every application of the state directory that `environment` names."""
    directory = Path(environment["WHALERAY_HOME_DIR"])
    stop(directory / "router")

    async def end() -> None:
        store = SqliteStore(directory / "whaleray.db")
        engine = ProcessEngine(directory)
        for service in await store.services():
            known = await store.deployments_of(service.repository_id, limit=1000)
            await engine.remove(service.service_id, [d.id for d in known])
        await store.aclose()

    anyio.run(end)
