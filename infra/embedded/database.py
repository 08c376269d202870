"""One SQLite file, written by one thread: writers that wait at the same time share one commit, and so one fsync.

WAL with synchronous=FULL: what a write returned from survives a power cut (SQLite's documentation of both pragmas).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import OurError, Outage, WhaleRayError

T = TypeVar("T")
BATCH = 256
"""Writes that share a commit at most, so that the first of them doesn't wait for long."""
READERS = 2
BUSY_S = 5.0


@dataclass(slots=True)
class _Write:
    run: Callable[[sqlite3.Connection], Any] | None
    together: Callable[[sqlite3.Connection, Sequence[Any]], None] | None
    """Writes `item` and those of its neighbours by one call, in the place of `run`."""
    item: Any
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Database:
    """`schema`: idempotent statements (`CREATE … IF NOT EXISTS`). Raises Outage or OurError in words."""

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"read-{path.name}")
        self._reading: list[sqlite3.Connection] = []
        self._closed = False
        with self._worded():
            connection = self.connect()
            for statement in schema:
                connection.execute(statement)
        self._thread = threading.Thread(
            target=self._write_all, args=(connection,), name=f"write-{path.name}", daemon=True
        )
        self._thread.start()

    def connect(self) -> sqlite3.Connection:
        """A connection of one's own, for one thread at a time."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    async def write(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """`run` in a transaction of its own (a savepoint in the shared one); durable when this returns."""
        result: T = await self._wait(run, None, None)
        return result

    async def write_together(self, together: Callable[[sqlite3.Connection, Sequence[T]], None], item: T) -> None:
        """The same, for what comes in crowds: items that wait at the same time are given to one call of `together`.
        Statements are what costs: each hands the interpreter over to the event loop and has to get it back."""
        await self._wait(None, together, item)

    async def _wait(
        self,
        run: Callable[[sqlite3.Connection], Any] | None,
        together: Callable[[sqlite3.Connection, Sequence[Any]], None] | None,
        item: Any,
    ) -> Any:
        if self._closed:
            raise Outage(f"The database {self.path.name} is closed.")
        loop = asyncio.get_running_loop()
        write = _Write(run, together, item, loop, loop.create_future())
        self._writes.put(write)
        return await write.future

    async def read(self, run: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise Outage(f"The database {self.path.name} is closed.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, run)

    async def probe(self) -> None:
        """Write something that means nothing. Raises what a write would raise now."""

        def count(connection: sqlite3.Connection) -> None:
            (number,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {(number + 1) % 2**31}")

        await self.write(count)

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writes.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, BUSY_S)
        self._readers.shutdown(wait=True)
        for connection in self._reading:
            connection.close()

    def _read(self, run: Callable[[sqlite3.Connection], T]) -> T:
        with self._worded():
            connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = self.connect()
                self._reading.append(connection)
            return run(connection)

    def _write_all(self, connection: sqlite3.Connection) -> None:
        while (first := self._writes.get()) is not None:
            batch = [first]
            stop = False
            with contextlib.suppress(queue.Empty):
                while len(batch) < BATCH:
                    more = self._writes.get_nowait()
                    if more is None:
                        stop = True
                        break
                    batch.append(more)
            self._commit(connection, batch)
            if stop:
                break
        connection.close()

    def _commit(self, connection: sqlite3.Connection, batch: Sequence[_Write]) -> None:
        try:
            with self._worded():
                connection.execute("BEGIN IMMEDIATE")
                for together, writes in itertools.groupby(batch, key=lambda write: write.together):
                    if together is not None:
                        self._savepoint(connection, list(writes))
                    else:
                        for write in writes:
                            self._savepoint(connection, [write])
                connection.execute("COMMIT")
        except WhaleRayError as error:
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            for write in batch:
                write.error = write.error or error
        for loop in {write.loop for write in batch}:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                loop.call_soon_threadsafe(_settle, [write for write in batch if write.loop is loop])

    def _savepoint(self, connection: sqlite3.Connection, writes: Sequence[_Write]) -> None:
        connection.execute("SAVEPOINT one")
        try:
            _run(connection, writes)
        except sqlite3.OperationalError:
            raise  # disk full and the like concern all of the batch
        except Exception as error:  # noqa: BLE001 - its own writers are told, the others go on
            for write in writes:
                write.error = error
            connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")

    @contextlib.contextmanager
    def _worded(self) -> Any:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise _words(self.path, error) from error


def _create(path: Path) -> None:
    """For this user's eyes only. A file that is there is left alone: POSIX drops all locks that a process holds on a
    file when it closes any descriptor of it, and another process would then take SQLite's log of writes away."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _run(connection: sqlite3.Connection, writes: Sequence[_Write]) -> None:
    first = writes[0]
    if first.together is not None:
        first.together(connection, [write.item for write in writes])
    elif first.run is not None:
        first.result = first.run(connection)


def _settle(batch: Sequence[_Write]) -> None:
    for write in batch:
        if write.future.done():
            continue  # cancelled while it waited
        if write.error is not None:
            write.future.set_exception(write.error)
        else:
            write.future.set_result(write.result)


def _words(path: Path, error: sqlite3.DatabaseError) -> WhaleRayError:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return Outage(
            f"{path} can't be written.", f"SQLite says: {text}.", f"Make room on the disk that holds {path.parent}."
        )
    if "locked" in text or "busy" in text:
        return Outage(f"{path} is held by another process.", f"SQLite says: {text}.")
    if "readonly" in text or "unable to open" in text:
        return Outage(f"{path} can't be written.", f"SQLite says: {text}.", "Give its directory back to this user.")
    if "malformed" in text or "not a database" in text:
        return OurError(f"{path} is damaged.", f"SQLite says: {text}.", "Restore it from a backup, or move it away.")
    return OurError(f"{path} refused a statement.", f"SQLite says: {text}.")
