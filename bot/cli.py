"""The command `whaleray`. Exit codes: 0 fine, 1 failed, 2 wrong usage or settings, each problem on its own line."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, NoReturn

import anyio
import typer
from rich.console import Console

from bot import logs
from bot.errors import SettingsError, WhaleRayError
from bot.serve import Role, listen, serve
from bot.settings import Settings, load
from bot.web_processes import beside, inherited

app = typer.Typer(
    help="Deploys Spring Boot from GitHub: push, and it runs at a URL that never changes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, highlight=False)


@app.command("serve")
def serve_command(
    role: Annotated[str, typer.Option(help="all, web or worker")] = "all",
    web_processes: Annotated[
        int, typer.Option(min=1, max=64, help="processes that receive webhooks: some thousands a second for each")
    ] = 1,
    descriptor: Annotated[int | None, typer.Option("--socket", hidden=True)] = None,
) -> None:
    """Receive webhooks and do the work. Starts the router of this machine where none runs."""
    from bot import wiring  # noqa: PLC0415 - adapters take a second to import: only the commands that run them wait

    if role not in ("all", "web", "worker"):
        _stop(2, [SettingsError(f"There is no role {role!r}.", "", "Use --role all, web or worker.")])
    settings = _settings(check=True)
    logs.configure(settings.log_format)
    chosen: Role = role  # type: ignore[assignment]  # narrowed above

    def run() -> None:
        if descriptor is not None:
            sock: socket.socket | None = inherited(descriptor)
        else:
            sock = listen(settings.host, settings.port) if chosen != "worker" else None
            wiring.ensure_router(settings)
        with beside(sock, web_processes - 1):
            anyio.run(serve, wiring.runtime(settings), chosen, sock, backend_options={"use_uvloop": True})

    _guarded(run)


@app.command()
def router(
    stop: Annotated[
        bool, typer.Option("--stop", help="end the one that runs: changed settings hold from the next start")
    ] = False,
) -> None:
    """Be the router: nginx and its DNS, until told to stop. `serve` starts it by itself."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    _guarded(lambda: wiring.stop_router(settings) if stop else wiring.route(settings))


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="end after the story; exit 0 only if all of it happened")
    ] = False,
) -> None:
    """The whole story on this machine, with a sandbox GitHub."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    succeeded = True

    def run() -> None:
        nonlocal succeeded
        succeeded = wiring.demo(settings, once=once)

    _guarded(run)
    if not succeeded:
        raise typer.Exit(1)


@app.command()
def setup(
    api_url: Annotated[str, typer.Option(help="of a GitHub Enterprise Server: https://host/api/v3")] = "",
) -> None:
    """Make the GitHub App: opens a page that sends you to GitHub, and keeps what comes back in .env."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    if api_url:
        settings = settings.model_copy(update={"github_api_url": api_url})
    # An address that is broken into two lines can't be opened.
    say = partial(Console(highlight=False).print, soft_wrap=True, markup=False)
    _guarded(lambda: wiring.setup(settings, say))


env = typer.Typer(
    help="Secrets of a service, by whoever runs WhaleRay. Owners use /whaleray env.", no_args_is_help=True
)
app.add_typer(env, name="env")
ServiceId = Annotated[str, typer.Argument(metavar="SERVICE", help="its id: the first part of its URL's path")]


@env.command("set")
def env_set(service: ServiceId, key: str) -> None:
    """Set or replace one. The value is asked for, or read from standard input: never an argument."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    value = typer.prompt(f"Value of {key}", hide_input=True) if sys.stdin.isatty() else _piped()
    _guarded(lambda: anyio.run(wiring.operator(settings).set_secret, service, key, value))
    Console().print(f"{key} is set. It takes effect with the next deployment or /whaleray restart.", highlight=False)


@env.command("unset")
def env_unset(service: ServiceId, key: str) -> None:
    """Delete one."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    _guarded(lambda: anyio.run(wiring.operator(settings).set_secret, service, key, None))
    Console().print(
        f"{key} is deleted. It takes effect with the next deployment or /whaleray restart.", highlight=False
    )


@env.command("list")
def env_list(service: ServiceId) -> None:
    """The names, never the values."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    _guarded(lambda: print(*anyio.run(wiring.operator(settings).secret_names, service), sep="\n"))  # noqa: T201 - for a pipe


@app.command()
def doctor() -> None:
    """Check every setting and everything WhaleRay needs, and say how to mend what is wrong."""
    from bot import wiring  # noqa: PLC0415

    settings = _settings(check=False)
    console = Console(highlight=False)
    sound = True
    for check in wiring.doctor(settings):
        sound = sound and check.problem is None
        if check.problem is None:
            console.print(
                f"[green]ok[/]    {check.name}" + (f": {check.detail}" if check.detail else ""), soft_wrap=True
            )
        else:
            console.print(f"[red]wrong[/] {check.name}: {check.problem}", soft_wrap=True)
    if not sound:
        raise typer.Exit(1)


def _piped() -> str:
    """Standard input to its end, without the line end that `echo` adds."""
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape").removesuffix("\n")


def _settings(*, check: bool) -> Settings:
    try:
        settings = load()
    except SettingsError as error:
        _stop(2, [error])
    if check and (problems := settings.problems()):
        _stop(2, problems)
    return settings


def _guarded(run: Callable[[], None]) -> None:
    """A user's mistake is told in words, never as a traceback."""
    try:
        run()
    except SettingsError as error:
        _stop(2, [error])
    except WhaleRayError as error:
        _stop(1, [error])
    except KeyboardInterrupt:
        sys.exit(130)


def _stop(code: int, problems: Sequence[WhaleRayError]) -> NoReturn:
    for problem in problems:
        errors.print(str(problem), style="red", soft_wrap=True, markup=False)
    raise SystemExit(code)


def main() -> None:
    app()
