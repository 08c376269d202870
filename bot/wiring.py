"""The composition root: settings in, adapters out. Nothing else in `bot` knows which adapters there are."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import structlog

import handlers
from bot.diagnosis import RulesAnalyst
from bot.doctor import Check
from bot.errors import SettingsError, WhaleRayError
from bot.events import Event
from bot.language import speak
from bot.links import Links
from bot.model import EngineName
from bot.ports import Analyst, Ports
from bot.serve import Runtime, listen, serve_until
from bot.settings import GITHUB, Settings
from bot.setup import Credentials, check_writable, write_env
from bot.setup_page import Flow, create_setup
from bot.web import WebSettings
from bot.worker import MAX_ATTEMPTS
from infra.doctor import check
from infra.embedded.home import kept_secret, pin_engine, state_directory
from infra.embedded.operator import Operator
from infra.embedded.process import jdks
from infra.embedded.process.engine import ProcessEngine
from infra.embedded.queue import SqliteQueue
from infra.embedded.registry import SqliteRegistry
from infra.embedded.secrets import FileSecrets
from infra.embedded.store import SqliteStore
from infra.github import GithubkitGitHub
from infra.github.manifest import convert
from infra.github.signin import GithubSignIn, web_url
from router.config import RouterConfig
from router.errors import RouterError
from router.supervisor import run_router, running, start_detached, stop

log = structlog.get_logger(__name__)

INSTALL_URL_S = 3.0
NO_ROUTER = (
    "The router does not run: services can't be reached. Start it with `whaleray router`, or whaleray serve anew."
)
if TYPE_CHECKING:
    from infra.embedded.docker.engine import DockerEngine

TTL_S = 1
"""How long the router may keep an address that it resolved."""


def _engine(settings: Settings, directory: Path, name: EngineName) -> ProcessEngine | DockerEngine:
    kind: type[ProcessEngine] | type[DockerEngine] = ProcessEngine
    if name is EngineName.DOCKER:
        from infra.embedded.docker.engine import DockerEngine  # noqa: PLC0415 - a third of a second, for its users only

        kind = DockerEngine
    return kind(directory, build_timeout_s=settings.build_timeout_s, router_url=settings.services_url)


def runtime(settings: Settings, wrap: Callable[[Ports], Ports] = lambda ports: ports) -> Runtime:
    """The whole bot of one machine. `wrap` stands between it and its ports (tests put a saboteur there)."""
    speak(settings.language)
    directory = state_directory(settings)
    engine_name = pin_engine(settings, directory)
    github = _github(settings)
    web = WebSettings(
        secrets=settings.webhook_secrets,
        links=Links(kept_secret(directory / "link.key").encode(), settings.own_url),
        install_url=partial(_install_url, github),
    )
    store = SqliteStore(directory / "whaleray.db")
    known = registry(settings, directory)
    inbox = SqliteQueue(directory / "queue.db", "inbox", max_attempts=MAX_ATTEMPTS)
    view = SqliteQueue(directory / "queue.db", "view", max_attempts=MAX_ATTEMPTS)
    engine = _engine(settings, directory, engine_name)
    ports = wrap(
        Ports(
            store=store,
            inbox=inbox,
            view=view,
            engine=engine,
            registry=known,
            github=github,
            secrets=FileSecrets(directory / "secrets"),
            analyst=_analyst(settings),
            sign_in=GithubSignIn(
                settings.github_client_id,
                settings.github_client_secret.get_secret_value(),
                settings.github_api_url,
            ),
            clock=time.time,
            engine_name=engine_name,
            services_url=settings.services_url,
            log_url=web.links.log,
            app_log_url=web.links.app_log,
            env_url=web.links.env,
            build_timeout_s=settings.build_timeout_s,
            start_timeout_s=settings.start_timeout_s,
            fork_code=engine.sandboxed,
        )
    )

    def handle(event: Event) -> Awaitable[None]:
        return handlers.handle(ports, event)

    def gave_up(event: Event) -> Awaitable[None]:
        return handlers.gave_up(ports, event)

    async def prepare() -> None:
        for queue in (inbox, view):
            await queue.recover()

    async def close() -> None:
        for closing in (github, inbox, view, known, store):
            await closing.aclose()

    async def ready() -> Sequence[str]:
        problems = [] if running(directory / "router") else [NO_ROUTER]
        for database in (inbox, store):
            try:
                await database.probe()
            except WhaleRayError as error:
                problems.append(str(error))
        return problems

    return Runtime(ports=ports, web=web, handle=handle, gave_up=gave_up, prepare=prepare, close=close, ready=ready)


def _analyst(settings: Settings) -> Analyst:
    """The rules; where a model of Bedrock is named, that one with the rules behind it."""
    if not settings.bedrock_model_id:
        return RulesAnalyst()
    try:
        from infra.aws.wiring import analyst  # noqa: PLC0415 - boto3 is an extra, and a quarter of a second
    except ImportError as error:
        raise SettingsError(
            "WHALERAY_BEDROCK_MODEL_ID names a model, and AWS's SDK is not installed.",
            f"{error}.",
            "Install it with: pip install 'whaleray[aws]'. Or leave the setting out.",
        ) from error
    return analyst(settings)


async def _install_url(github: GithubkitGitHub) -> str:
    """A page waits for it for a moment, and does without where GitHub is out."""
    with anyio.move_on_after(INSTALL_URL_S):
        try:
            return await github.install_url()
        except WhaleRayError as error:
            log.warning("GitHub does not say where the App is installed", error=str(error))
    return ""


def _github(settings: Settings) -> GithubkitGitHub:
    return GithubkitGitHub(
        settings.github_app_id,
        settings.private_key(),
        settings.github_client_id,
        settings.github_client_secret.get_secret_value(),
        settings.github_api_url,
    )


def registry(settings: Settings, directory: Path) -> SqliteRegistry:
    return SqliteRegistry(
        directory / "registry.db", settings.local_router_url, kept_secret(directory / "probe.key"), ttl_s=TTL_S
    )


def router_config(settings: Settings, directory: Path) -> RouterConfig:
    return RouterConfig(
        state_dir=directory / "router",
        host=settings.router_host,
        port=settings.router_port,
        dns_port=settings.dns_port,
        probe_token=kept_secret(directory / "probe.key"),
        ttl_s=TTL_S,
        forwarded_proto="https" if settings.services_url.startswith("https://") else None,
    )


def route(settings: Settings) -> None:
    """Be the router, until told to stop."""
    directory = state_directory(settings)
    known = registry(settings, directory)
    with _router_words():
        run_router(router_config(settings, directory), known.lookup, known.listed)


def stop_router(settings: Settings) -> None:
    """End the router of this state directory; services keep running, and nobody reaches them until it starts again."""
    stop(state_directory(settings) / "router")


def ensure_router(settings: Settings) -> None:
    """Start the detached router where none runs: it outlives this process."""
    config = router_config(settings, state_directory(settings))
    with _router_words():
        if not running(config.state_dir):
            environment = {k: v for k, v in os.environ.items() if not k.startswith(("WHALERAY_GITHUB_", "AWS_"))}
            start_detached([sys.executable, "-m", "bot", "router"], config.state_dir, environment)


@contextlib.contextmanager
def _router_words() -> Iterator[None]:
    try:
        yield
    except RouterError as error:
        raise SettingsError(error.what, error.why, error.mend) from error


def demo(settings: Settings, *, once: bool) -> bool:
    """Whether the demonstration's whole story happened."""
    from infra.demo.jdk import NEEDED, ensure_jdk  # noqa: PLC0415 - the sandbox is no part of a bot that serves
    from infra.demo.run import run  # noqa: PLC0415

    directory = state_directory(settings) / "demo"
    found = jdks.choose(jdks.installed(os.environ, directory / "jdk"), NEEDED)
    jdk = ensure_jdk(directory / "jdk", found.home if found else None)
    return run(directory, once=once, extra={"JAVA_HOME": str(jdk)}, end_services=end_services)


def end_services(environment: Mapping[str, str]) -> None:
    """End the router and every application of the state directory that `environment` names."""
    directory = Path(environment["WHALERAY_HOME_DIR"])
    stop(directory / "router")

    async def end() -> None:
        store = SqliteStore(directory / "whaleray.db")
        settings = Settings(_env_file=None, home_dir=directory, engine="auto")  # the one that is pinned there
        engine = _engine(settings, directory, pin_engine(settings, directory))
        for service in await store.services():
            known = await store.deployments_of(service.repository_id, limit=1000)
            await engine.remove(service.service_id, [d.id for d in known])
        await store.aclose()

    anyio.run(end)


def setup(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve the setup's pages until the App is made."""
    if settings.github_app_id:
        raise SettingsError(
            f"WhaleRay is set up already, as App {settings.github_app_id}.",
            "Its credentials are in the environment or in .env.",
            "To make another App, remove the WHALERAY_GITHUB_ lines there first.",
        )
    check_writable(Path(".env"))
    extra = {} if settings.github_api_url == GITHUB else {"WHALERAY_GITHUB_API_URL": settings.github_api_url}
    made: list[Credentials] = []
    ended = anyio.Event()

    def done(credentials: Credentials) -> None:
        made.append(credentials)
        ended.set()

    flow = Flow(
        public_url=settings.own_url,
        web_url=web_url(settings.github_api_url),
        convert=lambda code: convert(settings.github_api_url, code),
        keep=lambda credentials: write_env(Path(".env"), credentials, extra),
        done=done,
    )
    sock = listen(settings.host, settings.port)
    sock.listen()  # whoever is quick with the address waits for the server, and is not refused
    say(f"Open {settings.own_url}/setup?token={flow.token}")
    anyio.run(serve_until, create_setup(flow), sock, ended)
    say(f"The App {made[0].slug} is made; its credentials are in .env." if made else "Nothing was made.")
    if made:
        say(f"Next: whaleray doctor, whaleray serve, and install it: {made[0].install_url}")


def operator(settings: Settings) -> Operator:
    """What whoever runs WhaleRay may do at its machine's shell."""
    return Operator(state_directory(settings))


def doctor(settings: Settings) -> Iterator[Check]:
    """Every setting and everything that WhaleRay needs of this machine and of GitHub."""
    return check(settings, partial(_github, settings))
