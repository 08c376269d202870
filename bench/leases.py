"""What it costs to lease one job of many that wait, and how SQLite looks for it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path

from bot.events import Hint, group_of
from bot.ports import Job
from infra.embedded.queue import SqliteQueue

TIMES = 50
AT_ONCE = 500


async def seconds(file: Path, depth: int, *, grouped: bool) -> float:
    """To lease and acknowledge one of `depth` jobs while another one of them is at work. `grouped`: all are of one
    group but for every tenth."""
    queue = SqliteQueue(file, "inbox")
    try:
        events = [Hint(deployment=f"{number:032x}", repository_id=number) for number in range(depth)]
        for start in range(0, depth, AT_ONCE):
            await asyncio.gather(*(_send(queue, event, grouped=grouped) for event in events[start : start + AT_ONCE]))
        await _next(queue)
        times = min(TIMES, depth // 20)
        began = time.perf_counter()
        for _ in range(times):
            job = await _next(queue)
            await queue.ack(job)
        return (time.perf_counter() - began) / times
    finally:
        await queue.aclose()


async def _send(queue: SqliteQueue, event: Hint, *, grouped: bool) -> None:
    together = grouped and event.repository_id % 10 != 9
    await queue.send(event, group="one" if together else group_of(event), key=f"hint:{event.deployment}")


async def _next(queue: SqliteQueue) -> Job:
    job = await queue.lease(wait=5)
    if job is None:
        raise RuntimeError("nothing was due")
    return job


async def plan(file: Path) -> list[str]:
    """The steps in which SQLite looks for the next job."""
    queue = SqliteQueue(file, "inbox")
    asked: list[str] = []
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.set_trace_callback(asked.append)
        queue._due(connection)
        connection.set_trace_callback(None)
        rows = connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    await queue.aclose()
    return [str(row[3]) for row in rows]
