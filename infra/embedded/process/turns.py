"""Whose turn it is to build: a bounded number at once; the service with the fewest at work goes first, then the one
whose last turn is longest ago, so that none waits for another one's crowd."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from infra.embedded.process.detached import running
from infra.embedded.process.files import read_json, write_json


class _Entry(NamedTuple):
    name: str
    service: str
    cache: str
    at: int
    begun: bool


class Turns:
    """`directory`: one for all builds of the engine. `lock`: the running build's own, which says that it lives."""

    def __init__(self, directory: Path, most: int) -> None:
        self._directory = directory
        self._most = most
        self._served = directory / ".served"
        directory.mkdir(mode=0o700, exist_ok=True)

    def enter(self, name: str, lock: Path, service: str, cache: str, at: int) -> None:
        """Stand in line. `cache`: what no two builds may write at once; `at`: when it was asked for."""
        entry = {"lock": str(lock), "service": service, "cache": cache, "at": at, "begun": False}
        write_json(self._directory / name, entry, durable=False)

    def mine(self, name: str) -> bool:
        """Whether `name` may begin; it has begun then."""
        with self._alone():
            entries = self._living()
            own = next((entry for entry in entries if entry.name == name), None)
            if own is None:
                return False
            begun = [entry for entry in entries if entry.begun]
            if len(begun) >= self._most:
                return False
            busy = {entry.cache for entry in begun}
            waiting = [entry for entry in entries if not entry.begun and entry.cache not in busy]

            served = read_json(self._served) or {}

            def rank(entry: _Entry) -> tuple[int, int, int, str]:
                at_work = sum(other.service == entry.service for other in begun)
                return at_work, served.get(entry.service, 0), entry.at, entry.name

            if min(waiting, key=rank, default=None) != own:
                return False
            stored = read_json(self._directory / name) or {}
            write_json(self._directory / name, stored | {"begun": True}, durable=False)
            here = {entry.service for entry in entries}
            served = {service: at for service, at in served.items() if service in here}
            write_json(self._served, served | {own.service: time.time_ns()}, durable=False)
            return True

    def leave(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)

    def _living(self) -> list[_Entry]:
        found = []
        for path in self._directory.iterdir():
            if path.name.startswith("."):
                continue
            stored = read_json(path)
            if stored is None or not running(Path(stored["lock"])):
                path.unlink(missing_ok=True)  # its runner was killed
                continue
            found.append(_Entry(path.name, stored["service"], stored["cache"], stored["at"], stored["begun"]))
        return found

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._directory / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
