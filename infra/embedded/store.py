"""The store in one SQLite file: records as JSON, with the columns that are asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from bot.errors import Conflict
from bot.model import Audit, Branch, Deployment, Installation, Service, View
from infra.embedded.database import Database

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS installations (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS services (
        repository_id INTEGER PRIMARY KEY, service_id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
        body TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS deployments (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, repository_id INTEGER NOT NULL,
        ended INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS by_repository ON deployments (repository_id, number)",
    "CREATE INDEX IF NOT EXISTS in_flight ON deployments (number) WHERE ended = 0",
    "CREATE TABLE IF NOT EXISTS views (id TEXT PRIMARY KEY, body TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS branches (
        repository_id INTEGER NOT NULL, ref TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (repository_id, ref))""",
    "CREATE TABLE IF NOT EXISTS audits (number INTEGER PRIMARY KEY, service_id TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS audits_of ON audits (service_id, number)",
    "CREATE TABLE IF NOT EXISTS once (key TEXT PRIMARY KEY, by TEXT NOT NULL)",
)


class SqliteStore:
    """`bot.ports.Store`; all of its processes share the file."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, SCHEMA)

    async def aclose(self) -> None:
        await self._db.aclose()

    async def probe(self) -> None:
        """Raises Outage or OurError when nothing can be written now."""
        await self._db.probe()

    async def installation(self, installation_id: int) -> Installation | None:
        body = await self._one("SELECT body FROM installations WHERE id = ?", installation_id)
        return Installation.model_validate_json(body) if body else None

    async def put_installation(self, installation: Installation) -> None:
        await self._run(
            "INSERT OR REPLACE INTO installations VALUES (?, ?)", installation.id, installation.model_dump_json()
        )

    async def delete_installation(self, installation_id: int) -> None:
        await self._run("DELETE FROM installations WHERE id = ?", installation_id)

    async def service(self, repository_id: int) -> Service | None:
        body = await self._one("SELECT body FROM services WHERE repository_id = ?", repository_id)
        return Service.model_validate_json(body) if body else None

    async def service_named(self, service_id: str) -> Service | None:
        body = await self._one("SELECT body FROM services WHERE service_id = ?", service_id)
        return Service.model_validate_json(body) if body else None

    async def services(self) -> Sequence[Service]:
        rows = await self._all("SELECT body FROM services ORDER BY repository_id")
        return [Service.model_validate_json(body) for body in rows]

    async def put_service(self, service: Service) -> Service:
        stored = service.model_copy(update={"revision": service.revision + 1})

        def put(connection: sqlite3.Connection) -> None:
            new = (stored.service_id, stored.revision, stored.model_dump_json(), stored.repository_id)
            try:
                if service.revision == 0:
                    sql = "INSERT INTO services (service_id, revision, body, repository_id) VALUES (?, ?, ?, ?)"
                    connection.execute(sql, new)
                else:
                    sql = "UPDATE services SET service_id=?, revision=?, body=? WHERE repository_id=? AND revision=?"
                    _one_row(connection.execute(sql, (*new, service.revision)), f"service {service.service_id}")
            except sqlite3.IntegrityError as error:
                raise Conflict(f"The service id {service.service_id}, or its repository, is taken.") from error

        await self._db.write(put)
        return stored

    async def deployment(self, deployment_id: str) -> Deployment | None:
        body = await self._one("SELECT body FROM deployments WHERE id = ?", deployment_id)
        return Deployment.model_validate_json(body) if body else None

    async def put_deployment(self, deployment: Deployment) -> Deployment:
        stored = deployment.model_copy(update={"revision": deployment.revision + 1})

        def put(connection: sqlite3.Connection) -> None:
            new = (stored.repository_id, stored.stage.ended, stored.revision, stored.model_dump_json(), stored.id)
            if deployment.revision == 0:
                sql = "INSERT INTO deployments (repository_id, ended, revision, body, id) VALUES (?, ?, ?, ?, ?)"
                try:
                    connection.execute(sql, new)
                except sqlite3.IntegrityError as error:
                    raise Conflict(f"Deployment {deployment.id} is there already.") from error
            else:
                sql = "UPDATE deployments SET repository_id=?, ended=?, revision=?, body=? WHERE id=? AND revision=?"
                _one_row(connection.execute(sql, (*new, deployment.revision)), f"deployment {deployment.id}")

        await self._db.write(put)
        return stored

    async def deployments_of(self, repository_id: int, limit: int = 20) -> Sequence[Deployment]:
        sql = "SELECT body FROM deployments WHERE repository_id = ? ORDER BY number DESC LIMIT ?"
        return [Deployment.model_validate_json(body) for body in await self._all(sql, repository_id, limit)]

    async def in_flight(self) -> Sequence[Deployment]:
        rows = await self._all("SELECT body FROM deployments WHERE ended = 0 ORDER BY number")
        return [Deployment.model_validate_json(body) for body in rows]

    async def view(self, deployment_id: str) -> View:
        body = await self._one("SELECT body FROM views WHERE id = ?", deployment_id)
        return View.model_validate_json(body) if body else View(deployment=deployment_id)

    async def put_view(self, view: View) -> None:
        await self._run("INSERT OR REPLACE INTO views VALUES (?, ?)", view.deployment, view.model_dump_json())

    async def branch(self, repository_id: int, ref: str) -> Branch | None:
        sql = "SELECT body FROM branches WHERE repository_id = ? AND ref = ?"
        body = await self._one(sql, repository_id, ref)
        return Branch.model_validate_json(body) if body else None

    async def put_branch(self, branch: Branch) -> None:
        sql = "INSERT OR REPLACE INTO branches VALUES (?, ?, ?)"
        await self._run(sql, branch.repository_id, branch.ref, branch.model_dump_json())

    async def put_audit(self, audit: Audit) -> None:
        sql = "INSERT INTO audits (service_id, body) VALUES (?, ?)"
        await self._run(sql, audit.service_id, audit.model_dump_json())

    async def audits(self, service_id: str, limit: int = 20) -> Sequence[Audit]:
        sql = "SELECT body FROM audits WHERE service_id = ? ORDER BY number DESC LIMIT ?"
        return [Audit.model_validate_json(body) for body in await self._all(sql, service_id, limit)]

    async def once(self, key: str, by: str = "") -> bool:
        def claim(connection: sqlite3.Connection) -> bool:
            if connection.execute("INSERT OR IGNORE INTO once VALUES (?, ?)", (key, by)).rowcount == 1:
                return True
            (first,) = connection.execute("SELECT by FROM once WHERE key = ?", (key,)).fetchone()
            return bool(by) and first == by

        return await self._db.write(claim)

    async def _one(self, sql: str, *values: object) -> str | None:
        rows = await self._all(sql, *values)
        return rows[0] if rows else None

    async def _all(self, sql: str, *values: object) -> list[str]:
        return await self._db.read(lambda connection: [row[0] for row in connection.execute(sql, values)])

    async def _run(self, sql: str, *values: object) -> None:
        await self._db.write(lambda connection: connection.execute(sql, values).rowcount)


def _one_row(cursor: sqlite3.Cursor, what: str) -> None:
    if cursor.rowcount != 1:
        raise Conflict(f"The {what} was changed by somebody else.")
