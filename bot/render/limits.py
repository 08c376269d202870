"""GitHub's limits, kept without breaking a fence, a fold or a character."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.render.blocks import walk
from bot.render.escape import Markdown, cut, visible

CHECK_BYTES = 65_535
"""GitHub's limit for a check run's `summary` and for its `text`, each, in bytes of UTF-8."""
COMMENT_CHARACTERS = 65_536
"""GitHub's limit for a comment's body."""
TITLE_CHARACTERS = 120
"""Ours: what a pull request's list of checks shows in one line."""
DESCRIPTION_CHARACTERS = 140
"""GitHub's limit for the description of a deployment and of its status."""
LINE_CHARACTERS = 500
"""Ours, for one line of a log in a fence."""


Size = Callable[[str], int]


def utf8(value: str) -> int:
    return len(value.encode("utf-8", "replace"))


@dataclass(frozen=True)
class Tail:
    """The last lines of a log."""

    body: str
    shown: int
    total: int
    shortened: bool
    """Fewer lines, or shorter ones, than were asked for."""


def tail(log: str, lines: int, room: int) -> Tail:
    """The last `lines` lines of `log` that fit into `room` bytes, each at most LINE_CHARACTERS long."""
    log = log.rstrip()
    total = log.count("\n") + 1 if log else 0
    wanted = log.rsplit("\n", lines)[-lines:] if log and lines > 0 else []
    kept: list[str] = []
    shortened = False
    for each in reversed(wanted):
        whole = visible(each.rstrip().rsplit("\r", 1)[-1])  # what a terminal would still show of a progress bar
        short = cut(whole, LINE_CHARACTERS)
        room -= utf8(short) + 1
        if room < 0:
            shortened = True
            break
        shortened = shortened or short != whole
        kept.append(short)
    return Tail("\n".join(reversed(kept)), len(kept), total, shortened)


def within(document: str, limit: int, notice: str, size: Size = len) -> Markdown:
    """`document`, or as many of its first lines as fit into `limit` together with what closes an open fence and open
    folds, and `notice`, which says that it was cut. `size`: `len` for characters, `utf8` for bytes."""
    if size(document) <= limit:
        return Markdown(document)
    lines = document.split("\n")
    endings = [_ending("", 0, notice)]
    before, folds, used, best = "", 0, 0, 0
    for kept, (each, fence) in enumerate(walk(document), 1):
        used += size(each) + 1
        if not before and not fence:
            folds += each.count("<details>") - each.count("</details>")
        before = fence
        endings.append(_ending(fence, folds, notice))
        if used > limit:
            break
        if used + size(endings[kept]) <= limit:
            best = kept
    return Markdown("\n".join([*lines[:best], endings[best]]))


def _ending(fence: str, folds: int, notice: str) -> str:
    return "\n".join([*([fence] if fence else []), *(["", "</details>"] * max(folds, 0)), "", notice])
