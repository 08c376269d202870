"""Whoever runs WhaleRay, at its machine's shell: the secrets of services, changed with an entry in the audit."""

from __future__ import annotations

import getpass
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from bot import variables
from bot.errors import UserError
from bot.model import Audit
from infra.embedded.secrets import FileSecrets
from infra.embedded.store import SqliteStore


class Operator:
    """`directory`: the state directory. Every call raises UserError for a service that is not there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._secrets = FileSecrets(directory / "secrets")

    async def set_secret(self, service_id: str, key: str, value: str | None) -> None:
        """None deletes. Raises UserError for a name that can't be set, or is not there to be deleted."""
        async with self._store(service_id) as store:
            if value is not None:
                variables.check(key, value)
            elif key not in await self._secrets.get(service_id):
                raise UserError(f"{service_id} has no secret {key}.", "", "`whaleray env list` shows the names.")
            action: Literal["set", "unset"] = "set" if value is not None else "unset"
            actor = f"{getpass.getuser()} (operator)"
            # No change without its entry: that is written first.
            await store.put_audit(Audit(service_id=service_id, key=key, action=action, actor=actor, at=time.time()))
            if value is not None:
                await self._secrets.set(service_id, key, value)
            else:
                await self._secrets.unset(service_id, key)

    async def secret_names(self, service_id: str) -> list[str]:
        async with self._store(service_id):
            return sorted(await self._secrets.get(service_id))

    @asynccontextmanager
    async def _store(self, service_id: str) -> AsyncIterator[SqliteStore]:
        """The store, while `service_id` is in it."""
        store = SqliteStore(self._directory / "whaleray.db")
        try:
            if await store.service_named(service_id) is None:
                known = ", ".join(each.service_id for each in await store.services()) or "none yet"
                raise UserError(f"There is no service {service_id}.", f"Known are: {known}.", "Its id is in its URL.")
            yield store
        finally:
            await store.aclose()
