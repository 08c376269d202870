"""Which addresses a service answers at: written by the bot, read by the router's DNS in a process of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import httpx

from infra.embedded.database import Database

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS known (service_id TEXT PRIMARY KEY)",
    """CREATE TABLE IF NOT EXISTS addresses (
        service_id TEXT NOT NULL, address TEXT NOT NULL, port INTEGER NOT NULL, PRIMARY KEY (service_id, address))""",
    "CREATE TABLE IF NOT EXISTS listed (service_id TEXT PRIMARY KEY, port INTEGER NOT NULL)",
)
PROBE = "X-WhaleRay-Probe"
UPSTREAM = "X-WhaleRay-Upstream"
PROBE_TIMEOUT_S = 2.0


class SqliteRegistry:
    """`bot.ports.Registry`, and the router's side of it: `lookup` and `listed`, which any thread may call.

    `ttl_s` and `valid_s` are how long DNS answers live and how often the router asks again.
    """

    def __init__(self, path: Path, router_url: str, probe_token: str, ttl_s: float = 1, valid_s: float = 1) -> None:
        self._db = Database(path, SCHEMA)
        self._router_url = router_url
        self._probe_token = probe_token
        self._drain_s = ttl_s + valid_s + 1
        self._local = threading.local()
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
        await self._db.aclose()

    async def register(self, service_id: str, addresses: Sequence[str], port: int) -> None:
        rows = [(service_id, address, port) for address in addresses]

        def register(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO known VALUES (?)", (service_id,))
            connection.executemany("INSERT OR REPLACE INTO addresses VALUES (?, ?, ?)", rows)

        await self._db.write(register)

    async def deregister(self, service_id: str, addresses: Sequence[str]) -> None:
        rows = [(service_id, address) for address in addresses]
        sql = "DELETE FROM addresses WHERE service_id = ? AND address = ?"
        await self._db.write(lambda connection: connection.executemany(sql, rows).rowcount)

    async def addresses(self, service_id: str) -> Sequence[str]:
        return await self._db.read(lambda connection: _addresses(connection, service_id))

    async def publish(self, services: Sequence[tuple[str, int]]) -> None:
        def publish(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT service_id, port FROM listed ORDER BY 1").fetchall() == sorted(services):
                return
            connection.execute("DELETE FROM listed")
            connection.executemany("INSERT INTO listed VALUES (?, ?)", services)
            connection.executemany("INSERT OR IGNORE INTO known VALUES (?)", [(name,) for name, _ in services])

        await self._db.write(publish)

    async def confirm(self, service_id: str, address: str, health_path: str) -> bool:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=PROBE_TIMEOUT_S, trust_env=False)
        url = f"{self._router_url}/{service_id}/{health_path.lstrip('/')}"
        try:
            answer = await self._client.get(url, headers={PROBE: self._probe_token})
        except httpx.HTTPError:
            return False
        answered_by = answer.headers.get(UPSTREAM, "").split(",")[-1].strip().rsplit(":", 1)[0]
        return answered_by == address and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR

    async def drain_seconds(self) -> float:
        return self._drain_s

    def lookup(self, service_id: str) -> list[str] | None:
        """The service's addresses, none while it is down; None when there is no such service."""
        connection = self._connection()
        found = _addresses(connection, service_id)
        if found or connection.execute("SELECT 1 FROM known WHERE service_id = ?", (service_id,)).fetchone():
            return found
        return None

    def listed(self) -> list[tuple[str, int]]:
        return self._connection().execute("SELECT service_id, port FROM listed ORDER BY 1").fetchall()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._db.connect()
        return connection


def _addresses(connection: sqlite3.Connection, service_id: str) -> list[str]:
    sql = "SELECT address FROM addresses WHERE service_id = ? ORDER BY address"
    return [row[0] for row in connection.execute(sql, (service_id,))]
