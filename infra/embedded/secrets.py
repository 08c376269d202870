"""Secrets of services in one encrypted file, its key beside it: safe from a backup of one without the other."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import anyio
from cryptography.fernet import Fernet, InvalidToken

from bot import variables
from bot.errors import OurError

_All = dict[str, dict[str, str]]
_RESTORE = "Restore both from one backup."


class FileSecrets:
    """`bot.ports.Secrets` in `directory`; several processes may write."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "secrets.enc"
        self._key = directory / "secrets.key"

    async def get(self, service_id: str) -> Mapping[str, str]:
        return (await anyio.to_thread.run_sync(self._load)).get(service_id, {})

    async def set(self, service_id: str, key: str, value: str) -> None:
        variables.check(key, value)
        await anyio.to_thread.run_sync(
            self._change, lambda known: known.setdefault(service_id, {}).update({key: value})
        )

    async def unset(self, service_id: str, key: str) -> None:
        await anyio.to_thread.run_sync(self._change, lambda known: known.get(service_id, {}).pop(key, None))

    def _change(self, change: Callable[[_All], object]) -> None:
        with self._locked():
            known = self._load()
            change(known)
            sealed = self._fernet().encrypt(json.dumps(known).encode())
            _write(self._file, sealed)

    def _load(self) -> _All:
        try:
            sealed = self._file.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            known: _All = json.loads(self._fernet().decrypt(sealed))
        except InvalidToken as error:
            raise OurError(f"{self._file} can't be decrypted.", f"{self._key} is not its key.", _RESTORE) from error
        return known

    def _fernet(self) -> Fernet:
        try:
            return Fernet(self._key.read_bytes())
        except FileNotFoundError:
            if self._file.exists():
                raise OurError(
                    f"The key {self._key} is gone.", f"{self._file} can't be read without it.", _RESTORE
                ) from None
        except ValueError as error:
            raise OurError(f"{self._key} is no key.", "It was damaged or replaced.", _RESTORE) from error
        return Fernet(self._new_key())

    def _new_key(self) -> bytes:
        """Whole or not at all, and the first one stays; called under the lock."""
        key = Fernet.generate_key()
        _write(self._key, key)
        return key

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all, mode 0600, on the disk when this returns."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
