"""Processes that outlive whoever started them, named so that a reused process id fools nobody."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLL_S = 0.02


@dataclass(frozen=True)
class Process:
    """`started`: clock ticks since the boot that `boot` names (proc(5))."""

    pid: int
    started: str
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The living process with that id; a zombie is none."""
        started = _started(pid)
        return None if started is None else cls(pid, started, _boot())

    @classmethod
    def read(cls, value: Mapping[str, Any] | None) -> Process | None:
        try:
            return None if value is None else cls(int(value["pid"]), str(value["started"]), str(value["boot"]))
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def alive(self) -> bool:
        return self.boot == _boot() and _started(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it lives."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def session_members(leader: Process, name: str) -> Iterator[Process]:
    """The living processes of the session that `leader` began (it may be dead) whose command is `name`."""
    if leader.boot != _boot():
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            comm, fields = _stat(int(entry.name))
            member = Process.of(int(entry.name))
            # While a session has members its leader's id is not given to anybody else.
            if member and fields[3] == str(leader.pid) and comm == name and int(member.started) >= int(leader.started):
                yield member


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _stat(pid: int) -> tuple[str, list[str]]:
    head, _, tail = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")
    return head.partition("(")[2], tail.split()


def _started(pid: int) -> str | None:
    try:
        _, fields = _stat(pid)
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class Lock:
    """A file that one process holds for as long as it lives, and that says which."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, timeout_s: float = 1.0) -> bool:
        """Whether this process is the only holder now. Who merely asks `held` holds it for an instant: hence the
        patience."""
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not wait_until(lambda: _lock(descriptor), timeout_s):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def say(self, **more: Any) -> None:
        """Name this process in the file, with what else readers want to know."""
        me = Process.of(os.getpid())
        if self._descriptor is None or me is None:
            raise RuntimeError("the lock is not held")
        text = json.dumps({"pid": me.pid, "started": me.started, "boot": me.boot, **more}).encode()
        os.pwrite(self._descriptor, text.ljust(1024), 0)  # in one write, over all of the last one

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def held(self) -> bool:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _lock(descriptor)
        finally:
            os.close(descriptor)

    def said(self, by: int | None = None) -> dict[str, Any]:
        """What the holder said; nothing where there is none, it has said nothing yet, or its id is not `by`."""
        if not self.held():
            return {}
        value = read_json(self._path) or {}
        holder = Process.read(value)
        return value if holder is not None and holder.alive and by in (None, holder.pid) else {}

    def holder(self) -> Process | None:
        return Process.read(self.said() or None)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all, mode 0600."""
    new = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
