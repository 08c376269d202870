"""Queues in SQLite: durable when `send` returns, at-least-once, in order within a group, dead letters kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from bot.events import EVENT, Event
from bot.ports import Job
from infra.embedded.database import Database

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, key TEXT NOT NULL, grp TEXT NOT NULL,
        event TEXT NOT NULL, state TEXT NOT NULL, due REAL NOT NULL, sent_at REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, receipt TEXT, owner TEXT, why TEXT)""",
    "CREATE INDEX IF NOT EXISTS by_due ON jobs (queue, state, due)",
    "CREATE INDEX IF NOT EXISTS by_key ON jobs (queue, key, state)",
    # The oldest that is due is found by walking these, oldest first, in the index alone; few are ever put back.
    "CREATE INDEX IF NOT EXISTS open ON jobs (queue, id, due, state, grp) WHERE state IN ('waiting', 'leased')",
    "CREATE INDEX IF NOT EXISTS put_back ON jobs (queue, grp, id) WHERE state = 'waiting' AND why IS NOT NULL",
    "DROP INDEX IF EXISTS by_group",
    """CREATE TABLE IF NOT EXISTS remembered (
        queue TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (queue, key))""",
)
POLL_S = 0.2
"""How soon another process's message is noticed; this process's own wake at once."""
FORGET_EVERY_S = 3600.0
REMEMBERED = "delivery:"
"""Keys that begin so name a webhook: done once, it is not done again."""
WAITING, LEASED, DEAD = "waiting", "leased", "dead"


class SqliteQueue:
    """`bot.ports.Queue`. Several queues may share one file, and several processes one queue.

    `lease_s`: a job that isn't acknowledged by then is due again. `remember_s`: 3 days, as long as GitHub can
    redeliver.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        remember_s: float = 3 * 86_400,
        lease_s: float = 60.0,
        max_attempts: int = 8,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = Database(path, SCHEMA)
        self._name = name
        self._remember_s = remember_s
        self._lease_s = lease_s
        self._max_attempts = max_attempts
        self._clock = clock
        self._sent = asyncio.Event()
        self._turn = asyncio.Lock()
        self._owner = _owner(os.getpid())
        self._forgot_at = clock()

    async def aclose(self) -> None:
        await self._db.aclose()

    async def probe(self) -> None:
        """Raises Outage or OurError when nothing can be written now."""
        await self._db.probe()

    async def recover(self) -> None:
        """Jobs leased by processes that are no more are due at once."""

        def take_back(connection: sqlite3.Connection) -> None:
            sql = "SELECT DISTINCT owner FROM jobs WHERE queue = ? AND state = ?"
            for (owner,) in connection.execute(sql, (self._name, LEASED)).fetchall():
                if owner is None or _owner(int(owner.split(":")[0])) != owner:
                    connection.execute(
                        "UPDATE jobs SET state = ?, due = ? WHERE queue = ? AND state = ? AND owner IS ?",
                        (WAITING, self._clock(), self._name, LEASED, owner),
                    )
            self._forget(connection)

        await self._db.write(take_back)

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Deliveries that GitHub can't send again."""
        self._forgot_at = self._clock()
        connection.execute("DELETE FROM remembered WHERE at < ?", (self._forgot_at - self._remember_s,))

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        body = EVENT.dump_json(event).decode()
        now = self._clock()
        due = now + delay
        if key.startswith(REMEMBERED):
            await self._db.write_together(self._deliver, (key, group, body, due, now))
            self._sent.set()
            return

        def send(connection: sqlite3.Connection) -> None:
            if self._revived(connection, key, due):
                return
            sql = "UPDATE jobs SET due = min(due, ?) WHERE queue = ? AND key = ? AND state = ?"
            if connection.execute(sql, (due, self._name, key, WAITING)).rowcount == 0:
                connection.execute(
                    "INSERT INTO jobs (queue, key, grp, event, state, due, sent_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (self._name, key, group, body, WAITING, due, now),
                )

        await self._db.write(send)
        self._sent.set()

    def _deliver(self, connection: sqlite3.Connection, items: Sequence[tuple[str, str, str, float, float]]) -> None:
        """Webhooks, however many, in three statements. A dead one is revived, and one that is remembered is dropped."""
        if self._clock() - self._forgot_at > FORGET_EVERY_S:
            self._forget(connection)
        once = {item[0]: item for item in reversed(items)}  # of several with one key the first counts
        given = (self._name, json.dumps(list(reversed(once.values()))))
        connection.execute(
            """UPDATE jobs SET state = 'waiting', due = ?3, attempts = 0
            WHERE queue = ?1 AND state = 'dead' AND key IN (SELECT json_extract(value, '$[0]') FROM json_each(?2))""",
            (*given, items[0][3]),
        )
        connection.execute(
            """INSERT INTO jobs (queue, key, grp, event, state, due, sent_at)
            SELECT ?1, json_extract(value, '$[0]') AS name, json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                'waiting', json_extract(value, '$[3]'), json_extract(value, '$[4]')
            FROM json_each(?2)
            WHERE NOT EXISTS (SELECT 1 FROM remembered WHERE queue = ?1 AND key = name)
                AND NOT EXISTS (SELECT 1 FROM jobs WHERE queue = ?1 AND jobs.key = name)
            ORDER BY json_each.key""",
            given,
        )
        connection.execute(
            """INSERT OR IGNORE INTO remembered (queue, key, at)
            SELECT ?1, json_extract(value, '$[0]'), json_extract(value, '$[4]') FROM json_each(?2)""",
            given,
        )

    def _revived(self, connection: sqlite3.Connection, key: str, due: float) -> bool:
        sql = "UPDATE jobs SET state = ?, due = ?, attempts = 0 WHERE queue = ? AND key = ? AND state = ?"
        return connection.execute(sql, (WAITING, due, self._name, key, DEAD)).rowcount > 0

    async def lease(self, *, wait: float) -> Job | None:
        deadline = asyncio.get_running_loop().time() + wait
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()  # one looks for all: idle workers cost one look each 0.2 s, not one each
        except TimeoutError:
            return None
        try:
            return await self._next(deadline)
        finally:
            self._turn.release()

    async def _next(self, deadline: float) -> Job | None:
        while True:
            self._sent.clear()
            if await self._db.read(self._due) is not None and (job := await self._db.write(self._take)) is not None:
                return job
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(POLL_S, left)):
                    await self._sent.wait()

    def _due(self, connection: sqlite3.Connection) -> tuple[int, int] | None:
        """The id and attempts of the oldest job that is due and whose group has none at work and none before it: one
        that was put back holds back those behind it. A lease that ran out is due too."""
        now = self._clock()
        sql = """SELECT id, attempts FROM jobs AS job INDEXED BY open
            WHERE queue = ?1 AND state IN ('waiting', 'leased') AND due <= ?2
                AND grp NOT IN (SELECT grp FROM jobs WHERE queue = ?1 AND state = 'leased' AND due > ?2)
                AND NOT EXISTS (
                    SELECT 1 FROM jobs AS other
                    WHERE other.queue = ?1 AND other.grp = job.grp AND other.id < job.id AND other.due > ?2
                        AND other.state = 'waiting' AND other.why IS NOT NULL)
            ORDER BY id LIMIT 1"""
        row: tuple[int, int] | None = connection.execute(sql, (self._name, now)).fetchone()
        return row

    def _take(self, connection: sqlite3.Connection) -> Job | None:
        while (due := self._due(connection)) is not None:
            number, attempts = due
            if attempts >= self._max_attempts:
                connection.execute("UPDATE jobs SET state = ?, receipt = NULL WHERE id = ?", (DEAD, number))
                continue
            receipt = secrets.token_hex(8)
            sql = """UPDATE jobs SET state = ?, due = ?, attempts = attempts + 1, receipt = ?, owner = ?
                WHERE id = ? RETURNING id, event, grp, attempts, sent_at"""
            values = (LEASED, self._clock() + self._lease_s, receipt, self._owner, number)
            job_id, event, group, count, sent_at = connection.execute(sql, values).fetchone()
            return Job(
                id=str(job_id),
                event=EVENT.validate_json(event),
                group=group,
                receipt=receipt,
                attempts=count,
                sent_at=sent_at,
            )
        return None

    async def ack(self, job: Job) -> None:
        sql = "DELETE FROM jobs WHERE id = ? AND receipt = ? AND state = ?"
        await self._db.write(lambda c: c.execute(sql, (int(job.id), job.receipt, LEASED)).rowcount)
        self._sent.set()  # the group's next may be due

    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        def release(connection: sqlite3.Connection) -> None:
            dead = count and job.attempts >= self._max_attempts
            connection.execute(
                """UPDATE jobs SET state = ?, due = ?, attempts = ?, receipt = NULL, why = ?
                WHERE id = ? AND receipt = ? AND state = ?""",
                (
                    DEAD if dead else WAITING,
                    self._clock() + after,
                    job.attempts if count else job.attempts - 1,
                    why[:2000],
                    int(job.id),
                    job.receipt,
                    LEASED,
                ),
            )

        await self._db.write(release)
        self._sent.set()

    async def depth(self) -> Mapping[Literal["waiting", "leased", "dead"], int]:
        sql = "SELECT state, count(*) FROM jobs WHERE queue = ? GROUP BY state"
        counted = await self._db.read(lambda c: dict(c.execute(sql, (self._name,)).fetchall()))
        return {"waiting": counted.get(WAITING, 0), "leased": counted.get(LEASED, 0), "dead": counted.get(DEAD, 0)}


def _owner(pid: int) -> str:
    """A process by its id and start time: ids are used again."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - a hot path of /proc
            return f"{pid}:{file.read().rsplit(')', 1)[1].split()[19]}"
    except OSError:
        return f"{pid}:gone"
