"""Steady load through the router: every request that isn't answered with 200 counts as failed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.router.rig import Rig, read_answer

PACE_S = 0.04
"""Between the requests of one client: the load is to be steady, and leave the machine to others."""
MOST_S = 90.0


@dataclass
class Load:
    sent: int = 0
    failed: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def load(rig: Rig, *service_ids: str, clients: int = 4) -> AsyncIterator[Load]:
    """`clients` for each service: they keep their connections, and every other request is a POST."""
    counted, enough = Load(), asyncio.Event()

    async def client(service_id: str, number: int) -> None:
        kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        count = 0
        while not enough.is_set():
            count += 1
            method, path = ("POST", "x") if (count + number) % 2 else ("GET", "slow" if count % 20 == 1 else "x")
            body = b"b" * 2000 if method == "POST" else b""
            head = f"{method} /{service_id}/{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            counted.sent += 1
            try:
                reader, writer = kept = kept or await rig.connect()
                writer.write(head.encode() + body)
                got = await asyncio.wait_for(read_answer(reader), 10)
                if got.status != 200:
                    counted.failed.append(f"{method} {service_id}: {got.status} {got.body[:60]!r}")
                if got.get("Connection") == "close":
                    writer.close()
                    kept = None
            except (OSError, EOFError, TimeoutError) as error:
                counted.failed.append(f"{method} {service_id}: {error!r}")
                kept = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), PACE_S)
        if kept:
            kept[1].close()

    async with asyncio.timeout(MOST_S), asyncio.TaskGroup() as group:
        for service_id in service_ids:
            for number in range(clients):
                group.create_task(client(service_id, number))
        try:
            yield counted
        finally:
            enough.set()
