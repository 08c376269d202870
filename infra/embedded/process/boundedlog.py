"""A log that stays small: its beginning, and as much of its end as fits. Mode 0600."""

from __future__ import annotations

import os
from pathlib import Path

HEAD = 2 * 1024 * 1024
SEGMENT = 3 * 1024 * 1024
"""Two segments take turns, so 3 to 6 MB of the end are kept: with the head at most 8 MB in all."""
CUT = "\n[... {} bytes were left out here: a log is kept up to 8 MB ...]\n"


class BoundedLog:
    def __init__(self, path: Path) -> None:
        self._paths = (path, path.with_suffix(".tail0"), path.with_suffix(".tail1"))
        self._head = _size(path)
        self._current = 0
        self._written = 0
        self._file = self._open(path)

    def write(self, data: bytes) -> None:
        if self._current == 0 and self._head < HEAD:
            self._head += len(data)
            self._file.write(data)
            self._file.flush()
            return
        if self._current == 0 or self._written >= SEGMENT:
            self._next()
        self._written += len(data)
        self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _next(self) -> None:
        self._file.close()
        self._current = 2 if self._current == 1 else 1
        self._written = 0
        path = self._paths[self._current]
        dropped = _size(path)
        if dropped:
            mark = self._paths[0].with_suffix(".cut")
            mark.write_text(str(int(mark.read_text() if mark.exists() else 0) + dropped))
        path.unlink(missing_ok=True)
        self._file = self._open(path)

    @staticmethod
    def _open(path: Path):  # type: ignore[no-untyped-def]  # BufferedWriter of os.fdopen
        return os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "ab")


def read(path: Path) -> str:
    """All that is kept, with a line that says so where something was left out; "" where there is no log."""
    tails = sorted((p for p in (path.with_suffix(".tail0"), path.with_suffix(".tail1")) if p.exists()), key=_changed)
    parts = [_text(path)]
    cut = path.with_suffix(".cut")
    if cut.exists():
        parts.append(CUT.format(cut.read_text()))
    return "".join(parts + [_text(tail) for tail in tails])


def size(path: Path) -> int:
    """Grows with each write (until a segment is dropped)."""
    return sum(_size(p) for p in (path, path.with_suffix(".tail0"), path.with_suffix(".tail1")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
