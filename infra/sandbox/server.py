"""The sandbox on the wire: an ASGI application and the thread that serves it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.sandbox.api.call import Answer
from infra.sandbox.faults import Fault, Faults
from infra.sandbox.githttp import ROUTE as GIT
from infra.sandbox.githttp import GitHttp
from infra.sandbox.hooks import Hooks
from infra.sandbox.rest import Request, Rest
from infra.sandbox.world import World

API = "/api/v3"
CODELOAD = "/_codeload/"
START_S = 30.0


class Application:
    """Requests to the API, to git and to the pages, each to its own."""

    def __init__(self, world: World, rest: Rest, git: GitHttp, faults: Faults, pages: ASGIApp) -> None:
        self._world = world
        self._rest = rest
        self._git = git
        self._faults = faults
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == API or path.startswith(f"{API}/"):
            await self._api(scope, receive, send)
        elif path.startswith(CODELOAD):
            await _send(send, await anyio.to_thread.run_sync(self._codeload, _request(scope, path, b"")))
        elif GIT.fullmatch(path):
            request = _request(scope, path, await _body(receive))
            reply = await anyio.to_thread.run_sync(
                self._git.serve, request.method, path, request.query, request.headers, request.body
            )
            await _send(send, Answer(reply.status, content=reply.body, headers=reply.headers))
        else:
            await self._pages(scope, receive, send)

    async def _api(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope, scope["path"].removeprefix(API) or "/", await _body(receive))
        fault = self._faults.take(request.method, request.path, self._rest.template(request))
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if fault.drop == "before":
                return _cut(send)
            if fault.status is not None and fault.drop is None:
                return await _send(send, _faulty(fault))
        answer = await anyio.to_thread.run_sync(self._rest.answer, request)
        if fault is not None and fault.drop == "after":
            return _cut(send)
        return await _send(send, answer)

    def _codeload(self, request: Request) -> Answer:
        """The tarball behind a link that the API has given; its one top directory is named as GitHub's."""
        ticket = dict(pair.split("=", 1) for pair in request.query.split("&") if "=" in pair).get("token", "")
        with self._world.lock:
            number, sha = self._world.tickets.get(ticket, (0, ""))
            repository = self._world.repositories.get(number)
            if repository is None:
                return Answer(404, content=b"Not found")
            top = f"{repository.owner.login}-{repository.name}-{sha}"
            content = repository.git.archive(sha, top)
        name = f'attachment; filename="{top}.tar.gz"'
        return Answer(content=content, headers={"Content-Type": "application/x-gzip", "Content-Disposition": name})


def _faulty(fault: Fault) -> Answer:
    status = fault.status or 500
    if isinstance(fault.body, bytes):
        return Answer(status, content=fault.body, headers=fault.headers)
    said = {"message": "The sandbox was told to fail."} if fault.body is None else fault.body
    return Answer(status, said, headers={"Content-Type": "application/json; charset=utf-8", **fault.headers})


def _request(scope: Scope, path: str, body: bytes) -> Request:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _send(send: Callable[[Any], Awaitable[None]], answer: Answer) -> None:
    body = answer.body
    headers = {"Content-Length": str(len(body)), "Server": "sandbox, not GitHub", **answer.headers}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _cut(send: Any) -> None:
    """ASGI can't cut a connection; uvicorn's `send` is a method of what holds the transport."""
    send.__self__.transport.abort()


class Server:
    """Serves an application on 127.0.0.1 in a thread of its own. It may be started again, on the same port."""

    def __init__(self, application: ASGIApp, hooks: Hooks, port: int) -> None:
        self._application = application
        self._hooks = hooks
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Returns when it answers."""
        if self._thread is not None:
            return
        if self._socket.fileno() == -1:
            self._socket = _bound(self.port)
        config = uvicorn.Config(
            self._application,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(self._server, ready),), name="sandbox", daemon=True
        )
        self._thread.start()
        if not ready.wait(START_S):
            raise RuntimeError("The sandbox did not start.")

    def stop(self) -> None:
        """Ends the thread; connections that wait are cut."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(START_S)
        self._socket.close()
        self._server = self._thread = None

    async def _serve(self, server: uvicorn.Server, ready: threading.Event) -> None:
        await self._hooks.start()
        try:
            self._socket.listen(256)
            ready.set()  # from here on the kernel takes connections in
            await server.serve(sockets=[self._socket])
        finally:
            await self._hooks.stop()


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # An answer's head and body are two writes: else the second waits 40 ms for the client to confirm the first.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.bind(("127.0.0.1", port))
    return made
