"""A log that stays small: its beginning, and as much of its end as fits. Mode 0600."""

from __future__ import annotations

import os
from pathlib import Path

HEAD = 2 * 1024 * 1024
SEGMENT = 3 * 1024 * 1024
"""Two segments take turns, so 3 to 6 MB of the end are kept: with the head at most 8 MB in all."""
CUT = "\n[... {} bytes were left out here: a log is kept up to 8 MB ...]\n"


class BoundedLog:
    """Writes go on where an earlier process left off. A write never raises: on a full disk what doesn't fit is lost,
    and whoever writes the log lives on."""

    def __init__(self, path: Path) -> None:
        self._paths = (path, path.with_suffix(".tail0"), path.with_suffix(".tail1"))
        self._mark = path.with_suffix(".cut")
        tails = [number for number in (1, 2) if self._paths[number].exists()]
        self._current = max(tails, key=lambda number: self._paths[number].stat().st_mtime_ns, default=0)
        self._descriptor, self._written = self._open()

    def write(self, data: bytes) -> None:
        try:
            if self._written >= (SEGMENT if self._current else HEAD):
                self._next()
            self._written += len(data)
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return

    def close(self) -> None:
        os.close(self._descriptor)

    def _next(self) -> None:
        following = 2 if self._current == 1 else 1
        path = self._paths[following]
        if dropped := _size(path):
            before = int(self._mark.read_text() or 0) if self._mark.exists() else 0
            self._mark.write_text(str(before + dropped))
            path.unlink()
        before_it, self._current = self._current, following
        try:
            opened = self._open()
        except OSError:
            self._current = before_it
            raise
        os.close(self._descriptor)
        self._descriptor, self._written = opened

    def _open(self) -> tuple[int, int]:
        path = self._paths[self._current]
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return descriptor, _size(path)


def read(path: Path) -> str:
    """All that is kept, with a line that says so where something was left out; "" where there is no log."""
    tails = sorted((p for p in (path.with_suffix(".tail0"), path.with_suffix(".tail1")) if p.exists()), key=_changed)
    parts = [_bytes(path)]
    cut = path.with_suffix(".cut")
    if cut.exists():
        parts.append(CUT.format(cut.read_text()).encode())
    return b"".join(parts + [_bytes(tail) for tail in tails]).decode("utf-8", "replace")


def size(path: Path) -> int:
    """Changes with each write."""
    return sum(_size(p) for p in (path, path.with_suffix(".tail0"), path.with_suffix(".tail1")))


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - observe asks often
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
