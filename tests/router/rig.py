"""A real router with real backends on loopback addresses."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.embedded.registry import SqliteRegistry
from router.config import RouterConfig, list_digest, render_listed
from router.processes import Process, read_json
from router.supervisor import running, start_detached, stop

SUPERVISED = Path(__file__).with_name("supervised.py")
TOKEN = "0123456789abcdef0123456789abcdef"
_octets = itertools.count(1)


def free_port() -> int:
    """A port that nothing listens on, neither by TCP nor by UDP, and that no outgoing connection is given."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port


def new_address() -> str:
    """A loopback address that no other backend of this process has had, nor one of a neighbour under xdist."""
    number = next(_octets)
    return f"127.{100 + os.getpid() % 150}.{number // 250}.{number % 250 + 1}"


async def eventually(condition: Callable[[], Awaitable[bool]], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < deadline, f"{condition} did not come true in {timeout_s} s"
        await asyncio.sleep(0.02)


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        found = self.all(name)
        assert len(found) < 2, found
        return found[0] if found else None


async def read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    return first, [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


async def read_body(reader: asyncio.StreamReader, headers: Sequence[tuple[str, str]], *, to_end: bool) -> bytes:
    known = {name.lower(): value for name, value in headers}
    if known.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return body
    if "content-length" in known:
        return await reader.readexactly(int(known["content-length"]))
    return await reader.read() if to_end else b""


async def read_answer(reader: asyncio.StreamReader, method: str = "GET") -> Answer:
    status, headers = await read_head(reader)
    code = int(status.split(" ")[1])
    bodyless = method == "HEAD" or code in (204, 304) or code < 200
    return Answer(code, headers, b"" if bodyless else await read_body(reader, headers, to_end=True))


@dataclass
class Request:
    """As it arrived, byte for byte."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Handler = Callable[[Request], Awaitable[bytes | None]]
"""The raw answer; None where it answered by itself, or the connection is to be closed."""


def answer(body: bytes = b"ok", status: str = "200 OK", headers: Mapping[str, str] | Sequence[str] = ()) -> bytes:
    lines = [f"{k}: {v}" for k, v in headers.items()] if isinstance(headers, Mapping) else list(headers)
    head = "".join(f"{line}\r\n" for line in [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}"])
    return head.encode() + b"\r\n" + body


async def ok(request: Request) -> bytes:
    return answer()


class Backend:
    """An instance of a service. It keeps every request that it was sent."""

    def __init__(self, address: str, port: int, handler: Handler = ok, *, read_bodies: bool = True) -> None:
        self.address = address
        self.requests: list[Request] = []
        self.connections = 0
        self._port = port
        self.handler = handler
        self._read_bodies = read_bodies
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.address, self._port, backlog=512)

    async def kill(self) -> None:
        """Gone at once, whatever it was doing."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                line, headers = await read_head(reader)
                body = await read_body(reader, headers, to_end=False) if self._read_bodies else b""
                request = Request(line, headers, body, reader, writer)
                self.requests.append(request)
                raw = await self.handler(request)
                if raw is None:
                    break
                writer.write(raw)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()


@dataclass
class Rig:
    home: Path
    port: int = field(default_factory=free_port)
    dns_port: int = field(default_factory=free_port)
    service_port: int = field(default_factory=free_port)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "dns_port": self.dns_port,
            "service_port": self.service_port,
        }
        given |= {"probe_token": TOKEN, "shutdown_s": 5, "read_timeout_s": 30} | self.settings
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "config.json").write_text(json.dumps(given))
        self.config = RouterConfig(state_dir=self.home / "router", **given)
        self.url = f"http://127.0.0.1:{self.port}"
        self.registry = SqliteRegistry(self.home / "registry.db", self.url, TOKEN)

    @property
    def state_dir(self) -> Path:
        return self.config.state_dir

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(SUPERVISED), str(self.home)]

    def start(self) -> None:
        start_detached(self.command, self.state_dir)

    def stop(self) -> None:
        stop(self.state_dir, 1)
        assert not running(self.state_dir)

    @property
    def master(self) -> Process:
        found = Process.read(read_json(self.state_dir / "nginx.json"))
        assert found is not None
        return found

    async def lists(self) -> str | None:
        """By which list the router serves."""
        return (await self.ask("/-/healthz", headers=[f"X-WhaleRay-Probe: {TOKEN}"])).get("X-WhaleRay-List")

    async def list(self, *service_ids: str) -> None:
        """Give the services upstreams of their own, and wait until they are in use."""
        services = sorted((service_id, self.service_port) for service_id in service_ids)
        await self.registry.publish(services)
        wanted = list_digest(render_listed(services, self.config))

        async def used() -> bool:
            return await self.lists() == wanted

        await eventually(used)

    @contextlib.asynccontextmanager
    async def serving(
        self, service_id: str, handler: Handler = ok, *, read_bodies: bool = True
    ) -> AsyncIterator[Backend]:
        """A service with one instance, registered and reached."""
        backend = Backend(new_address(), self.service_port, handler, read_bodies=read_bodies)
        await backend.start()
        try:
            await self.registry.register(service_id, [backend.address], self.service_port)
            yield backend
        finally:
            await self.registry.deregister(service_id, [backend.address])
            await backend.kill()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)

    async def send(self, raw: bytes, method: str = "GET") -> Answer:
        """The answer to a raw request, on a connection of its own."""
        reader, writer = await self.connect()
        try:
            writer.write(raw)
            return await asyncio.wait_for(read_answer(reader, method), 30)
        finally:
            writer.close()

    async def ask(
        self, target: str, method: str = "GET", headers: Sequence[str] = (), body: bytes | None = None
    ) -> Answer:
        lines = [f"{method} {target} HTTP/1.1", "Host: apps.example:8443", "Connection: close", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""), method)
