"""Small files that outlive processes: written whole or not at all, mode 0600."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Mapping[str, Any], *, durable: bool = True) -> None:
    """Whole or not at all; on the disk when this returns if `durable`."""
    new = _written(path, value, durable=durable)
    new.replace(path)


def write_once(path: Path, value: Mapping[str, Any]) -> bool:
    """The same, unless `path` is there already: False then. Of several writers exactly one gets True."""
    new = _written(path, value, durable=True)
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        new.unlink()
    return True


def read_json(path: Path) -> dict[str, Any] | None:
    """What was written, None where nothing was."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - half the time of Path.open, and observe reads many
            value: dict[str, Any] = json.load(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return value


def _written(path: Path, value: Mapping[str, Any], *, durable: bool) -> Path:
    new = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return new
