"""Fixture layouts: whole repositories, each in one text file.

The first lines say what it is; `[truncated]` among them: GitHub cut its listing off. Then one file after another, each
under `-- path --` or `-- path [mode] --`. `%0a` in a path is a line break.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.inspection.repository import Repository

DIRECTORY = Path(__file__).parent / "layouts"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.txt"))
_HEADING = re.compile(r"^-- (.+?)(?: \[(\d{6})\])? --\n", re.MULTILINE)


def load(name: str) -> Repository:
    files, modes, truncated = read(name)
    return Repository(files, modes, truncated=truncated)


def read(name: str) -> tuple[dict[str, bytes], dict[str, str], bool]:
    """Contents and unusual modes by path, and whether the listing is cut off."""
    about, *parts = _HEADING.split((DIRECTORY / f"{name}.txt").read_text())
    files: dict[str, bytes] = {}
    modes: dict[str, str] = {}
    for heading, mode, content in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        path = heading.replace("%0a", "\n")
        files[path] = content.encode()
        if mode:
            modes[path] = mode
    return files, modes, "[truncated]" in about
