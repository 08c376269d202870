"""Which lines of a markdown document stand in a code fence."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def walk(document: str) -> Iterator[tuple[str, str]]:
    """Each line with the marks of the fence that is open after it; "" outside of fences."""
    fence = ""
    for line in document.split("\n"):
        mark = _FENCE.match(line)
        if not fence:
            fence = mark[1] if mark else ""
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        yield line, fence


def tidy(document: str) -> str:
    """No two blank lines in a row and none at either end, save inside fences."""
    kept: list[str] = []
    for line, fence in walk(document):
        if fence or line.strip() or (kept and kept[-1]):
            kept.append(line if fence else line.rstrip())
    return "\n".join(kept).strip("\n")
