"""The running bot: webhook server, workers and the timer in one process, until it is told to stop."""

from __future__ import annotations

import contextlib
import errno
import itertools
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import anyio
import structlog
import uvicorn
from anyio.abc import TaskGroup
from fastapi import FastAPI

from bot import deployments, reconcile
from bot.errors import SettingsError, WhaleRayError
from bot.events import Answer, Event, Hint, Neutral, Show, Tick, group_of
from bot.ports import Ports
from bot.web import WebSettings, create_app
from bot.worker import Worker

log = structlog.get_logger(__name__)

Role = Literal["all", "web", "worker"]
TICK_S = 60.0
HEAR_AGAIN_S = 1.0
STOP_S = 9.0
"""docs/design.md: SIGTERM to exit within 10 s."""
INBOX_WORKERS = 8
VIEW_WORKERS = 16


@dataclass(frozen=True)
class Runtime:
    """All that a process of the bot is made of; see `bot.wiring`."""

    ports: Ports
    web: WebSettings
    handle: Callable[[Event], Awaitable[None]]
    gave_up: Callable[[Event], Awaitable[None]]
    prepare: Callable[[], Awaitable[None]]
    """Takes back what an earlier process left in the middle; called once, before any work."""
    close: Callable[[], Awaitable[None]]
    ready: Callable[[], Awaitable[Sequence[str]]]
    """What keeps it from doing its work now, a line each."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises SettingsError with the mend when the address can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"Port {port} on {host} is in use.",
                "Another program, perhaps another WhaleRay, listens there.",
                "End that one, or choose another port with WHALERAY_PORT.",
            ) from error
        raise SettingsError(
            f"WhaleRay can't listen on {host}:{port}.",
            f"{error.strerror}.",
            "Set WHALERAY_HOST to an address of this machine and WHALERAY_PORT to a port it may use.",
        ) from error
    return sock


async def serve(runtime: Runtime, role: Role, sock: socket.socket | None) -> None:
    """Serve until SIGTERM or SIGINT; jobs at hand are finished or handed back within 10 s."""
    ports = runtime.ports

    async def view(event: Event) -> None:
        await dispatch_view(ports, event)

    workers = (
        [
            Worker("inbox", ports.inbox, runtime.handle, runtime.gave_up, concurrency=INBOX_WORKERS),
            Worker("view", ports.view, view, _no_giving_up, concurrency=VIEW_WORKERS),
        ]
        if role != "web"
        else []
    )
    server = None
    if sock is not None and role != "worker":
        app = create_app(ports, runtime.web, runtime.ready)
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
    try:
        await runtime.prepare()
        async with anyio.create_task_group() as group:
            group.start_soon(_until_told, group, server, workers)
            if server is not None and sock is not None:
                group.start_soon(server.serve, [sock])
            for worker in workers:
                group.start_soon(worker.run)
            if workers:
                group.start_soon(tick, ports)
                group.start_soon(hear, ports)
            log.info("serving", role=role, url=runtime.web.links.own_url)
    finally:
        await runtime.close()


async def serve_until(app: FastAPI, sock: socket.socket, done: anyio.Event) -> None:
    """Serve `app` until `done`, or SIGTERM or SIGINT."""
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))

    async def watch() -> None:
        await done.wait()
        await anyio.sleep(0.5)  # the last page is on its way
        server.should_exit = True

    async with anyio.create_task_group() as group:
        group.start_soon(_until_told, group, server, [])
        group.start_soon(watch)
        await server.serve([sock])
        group.cancel_scope.cancel()


async def dispatch_view(ports: Ports, event: Event) -> None:
    """One event of the view's queue. A hint only waited there until it was due."""
    match event:
        case Show():
            await reconcile.show(ports, event.deployment)
        case Answer():
            await reconcile.answer(ports, event)
        case Neutral():
            await reconcile.neutral(ports, event)
        case Hint():
            await ports.inbox.send(event, group=group_of(event), key=f"hint:{event.deployment}")
        case _:
            log.error("no event of the view", job=event.type)


async def _no_giving_up(event: Event) -> None:
    log.error("a view stays unwritten", job=event.type)


async def tick(ports: Ports) -> None:
    """A tick every minute. One that can't be stored is missed: the next one finds the same to do."""
    for number in itertools.count():
        event = Tick(at=ports.clock(), number=number)
        try:
            await ports.inbox.send(event, group=group_of(event), key="tick")
        except WhaleRayError as error:
            log.error("a tick is missed", error=str(error))
        await anyio.sleep(TICK_S)


async def hear(ports: Ports) -> None:
    """Pass the engine's hints on. Where they can't be had, the sweep finds what they would have told."""

    async def tell(deployment_id: str) -> None:
        deployment = await ports.store.deployment(deployment_id)
        if deployment is not None and not deployment.stage.ended:
            await deployments.hint(ports, deployment)

    while True:
        try:
            await ports.engine.hints(tell)
        except WhaleRayError as error:
            log.error("the engine's hints are not heard", error=str(error))
            await anyio.sleep(HEAR_AGAIN_S)
        else:
            return


async def _until_told(group: TaskGroup, server: uvicorn.Server | None, workers: list[Worker]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            log.info("stopping", signal=signal.Signals(number).name)
            break
    if server is not None:
        server.should_exit = True
    with anyio.move_on_after(STOP_S):
        async with anyio.create_task_group() as finishing:
            for worker in workers:
                finishing.start_soon(worker.finish)
    group.cancel_scope.cancel()


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: this process has one place that knows how to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
