"""What an instance is to do, and the moment of changing it: either the supervisor takes the change up, or it has gone
and another one is started. Never neither."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Wanted = Literal["try", "keep", "stop"]
"""`try`: an exit is final. `keep`: started again when it dies."""


def read(directory: Path) -> Wanted:
    try:
        text = (directory / "wanted").read_text()
    except OSError:
        return "stop"  # its directory is gone: nobody wants it
    return "keep" if text == "keep" else "try" if text == "try" else "stop"


def write(directory: Path, wanted: Wanted) -> None:
    new = directory / f".wanted.{os.getpid()}"
    new.write_text(wanted)
    new.replace(directory / "wanted")


@contextlib.contextmanager
def changing(directory: Path) -> Iterator[None]:
    """Nobody else decides meanwhile; held for milliseconds."""
    descriptor = os.open(directory / "wanted.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
