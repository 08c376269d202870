"""The composition root: settings in, adapters out. Nothing else in `bot` knows which adapters there are."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
import httpx
import structlog

import handlers
from bot import doctor as checks
from bot import variables
from bot.diagnosis import RulesAnalyst
from bot.doctor import Check
from bot.errors import SettingsError, UserError, WhaleRayError
from bot.events import Event
from bot.language import speak
from bot.links import Links
from bot.model import Audit, EngineName
from bot.ports import Ports
from bot.serve import Runtime, listen, serve_until
from bot.settings import GITHUB, Settings
from bot.setup import Credentials, check_writable, write_env
from bot.setup_page import Flow, create_setup
from bot.web import WebSettings
from infra.embedded import docker
from infra.embedded import doctor as machine
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
    """A random value that stays: made once, whoever comes first, and never seen half-written."""
    if not path.exists():
        new = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_text().strip()


def _pin_engine(settings: Settings, directory: Path) -> EngineName:
    """The engine of this state directory: chosen at the first start, since services can't move between engines."""
    pinned = directory / "engine"
    if not pinned.exists():
        pinned.write_text(_choose_engine(settings))
    known = pinned.read_text().strip()
    if known not in list(EngineName) or settings.engine not in ("auto", known):
        raise SettingsError(
            f"The services in {directory} run on the engine {known!r}, and WHALERAY_ENGINE is {settings.engine!r}.",
            "A service stays on the engine that it began with.",
            f"Use WHALERAY_ENGINE={known}, or another WHALERAY_HOME_DIR.",
        )
    return EngineName(known)


def _choose_engine(settings: Settings) -> EngineName:
    if settings.engine != "auto":
        return EngineName(settings.engine)
    return EngineName.DOCKER if docker.answers() else EngineName.PROCESS


def _engine(settings: Settings, directory: Path, name: EngineName) -> ProcessEngine | DockerEngine:
    kind: type[ProcessEngine] | type[DockerEngine] = ProcessEngine
    if name is EngineName.DOCKER:
        from infra.embedded.docker.engine import DockerEngine  # noqa: PLC0415 - a third of a second, for its users only

        kind = DockerEngine
    return kind(directory, build_timeout_s=settings.build_timeout_s, router_url=settings.services_url)


def runtime(settings: Settings, wrap: Callable[[Ports], Ports] = lambda ports: ports) -> Runtime:
    """The whole bot of one machine. `wrap` stands between it and its ports (tests put a saboteur there)."""
    speak(settings.language)
    directory = home(settings)
    engine_name = _pin_engine(settings, directory)
    github = _github(settings)
    web = WebSettings(
        secrets=settings.webhook_secrets,
        links=Links(_kept_secret(directory / "link.key").encode(), settings.own_url),
        install_url=partial(_install_url, github),
    )
    store = SqliteStore(directory / "whaleray.db")
    known = registry(settings, directory)
    inbox = SqliteQueue(directory / "queue.db", "inbox")
    view = SqliteQueue(directory / "queue.db", "view")
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
            analyst=RulesAnalyst(),
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
        forwarded_proto="https" if settings.services_url.startswith("https://") else None,
    )


def route(settings: Settings) -> None:
    """Be the router, until told to stop."""
    directory = home(settings)
    known = registry(settings, directory)
    with _router_words():
        run_router(router_config(settings, directory), known.lookup, known.listed)


def stop_router(settings: Settings) -> None:
    """End the router of this state directory; services keep running, and nobody reaches them until it starts again."""
    stop(home(settings) / "router")


def ensure_router(settings: Settings) -> None:
    """Start the detached router where none runs: it outlives this process."""
    config = router_config(settings, home(settings))
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

    directory = home(settings) / "demo"
    found = jdks.choose(jdks.installed(os.environ, directory / "jdk"), NEEDED)
    jdk = ensure_jdk(directory / "jdk", found.home if found else None)
    return run(directory, once=once, extra={"JAVA_HOME": str(jdk)}, end_services=end_services)


def end_services(environment: Mapping[str, str]) -> None:
    """End the router and every application of the state directory that `environment` names."""
    directory = Path(environment["WHALERAY_HOME_DIR"])
    stop(directory / "router")

    async def end() -> None:
        store = SqliteStore(directory / "whaleray.db")
        settings = Settings(home_dir=directory)
        engine = _engine(settings, directory, _pin_engine(settings, directory))
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


async def set_secret(settings: Settings, service_id: str, key: str, value: str | None) -> None:
    """By whoever runs WhaleRay; None deletes. Raises UserError for a service or a name that is not there."""
    directory = home(settings)
    store = SqliteStore(directory / "whaleray.db")
    kept = FileSecrets(directory / "secrets")
    try:
        await _service_of(store, service_id)
        if value is not None:
            variables.check(key, value)
        elif key not in await kept.get(service_id):
            raise UserError(f"{service_id} has no secret {key}.", "", "`whaleray env list` shows the names.")
        action: Literal["set", "unset"] = "set" if value is not None else "unset"
        actor = f"{getpass.getuser()} (operator)"
        # No change without its entry: that is written first.
        await store.put_audit(Audit(service_id=service_id, key=key, action=action, actor=actor, at=time.time()))
        if value is not None:
            await kept.set(service_id, key, value)
        else:
            await kept.unset(service_id, key)
    finally:
        await store.aclose()


async def secret_names(settings: Settings, service_id: str) -> list[str]:
    directory = home(settings)
    store = SqliteStore(directory / "whaleray.db")
    try:
        await _service_of(store, service_id)
    finally:
        await store.aclose()
    return sorted(await FileSecrets(directory / "secrets").get(service_id))


async def _service_of(store: SqliteStore, service_id: str) -> None:
    if await store.service_named(service_id) is None:
        known = ", ".join(each.service_id for each in await store.services()) or "none yet"
        raise UserError(f"There is no service {service_id}.", f"Known are: {known}.", "Its id is in its URL.")


def doctor(settings: Settings) -> Iterator[Check]:
    """Every setting and everything that WhaleRay needs of this machine and of GitHub."""
    yield from checks.of_settings(settings)
    try:
        directory = home(settings)
    except SettingsError as error:
        yield Check.wrong("state directory", error)
        return
    yield from _engine_check(settings, directory)
    yield from _ports_check(settings, directory)
    if not settings.problems():
        yield anyio.run(_github_check, settings)


def _engine_check(settings: Settings, directory: Path) -> Iterator[Check]:
    try:
        name = _pin_engine(settings, directory)
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


async def _github_check(settings: Settings) -> Check:
    github = _github(settings)
    try:
        slug = await github.ping()
        installed = await github.installations()
    except WhaleRayError as error:
        return Check.wrong("GitHub", error)
    finally:
        await github.aclose()
    accounts = ", ".join(each.account for each in installed) or "nowhere yet"
    return Check("GitHub", f"the App {slug} at {settings.github_api_url}, installed on {accounts}")
