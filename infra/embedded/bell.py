"""How a detached process tells the bot that something happened to a deployment: it leaves an empty file that bears the
deployment's id. A bell that is not heard costs nothing but time: whoever waits looks by itself, too."""

from __future__ import annotations

import contextlib
from pathlib import Path

LOOK_S = 0.02
"""How often to look: an empty directory is read in some 5 µs."""


def ring(root: Path, deployment_id: str) -> None:
    """`root`: the engine's directory."""
    with contextlib.suppress(OSError):  # a full disk, or an engine that is no more
        (root / "bell" / deployment_id).touch()


def rung(root: Path) -> list[str]:
    """The deployments that rang since the last look."""
    directory = root / "bell"
    try:
        names = [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        directory.mkdir(mode=0o700, exist_ok=True)
        return []
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            (directory / name).unlink()
    return names
