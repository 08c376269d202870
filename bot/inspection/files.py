"""The tree as inspection sees it: which paths are there, which can be used, and at most four files of it read.

Paths are the pushing person's to choose. `show` makes one fit to print, `usable` says whether one may become part of a
command or of a Dockerfile.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterable, Iterator
from functools import cached_property

from bot.errors import UserError
from bot.ports import Tree

MAX_READS = 4
MAX_BYTES = 1024 * 1024
"""A build file has a few KiB; a larger one is not read."""

Reading = Generator[str, bytes, "bytes | None"]
"""Yields the path it wants to read, is sent its bytes, and returns them; None: not there, or not to be read."""

_COMPONENT = re.compile(r"[\w.][\w.@+ -]*")
_LONGEST_SHOWN = 100
_SYMLINK = "120000"
_SUBMODULE = "160000"
_DIRECTORY = "040000"


def show(path: str) -> str:
    """The path as a code span, safe in a message: nothing in it can end the span, break the line or hide."""
    printable = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] == "C" else c for c in path)
    if len(printable) > _LONGEST_SHOWN:
        printable = printable[:_LONGEST_SHOWN] + "…"
    return f"`{printable.replace('`', chr(39))}`"


def show_all(paths: Iterable[str], most: int = 10) -> str:
    """Several, sorted; the rest counted."""
    known = sorted(paths)
    shown = ", ".join(show(path) for path in known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"


def usable(path: str) -> bool:
    """Whether the path means itself alone wherever it is used: no climbing, no option, no pattern, no line break.

    Maven reads `,`, `!`, `+` and `:` in a module's name, Docker `$` and `*`, Gradle `:`.
    """
    if not path:
        return True
    return all(_COMPONENT.fullmatch(part) and part.strip(".") and part == part.strip() for part in path.split("/"))


def join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def parent(path: str) -> str:
    return path.rpartition("/")[0]


def name(path: str) -> str:
    return path.rpartition("/")[2]


def normalised(directory: str, path: str) -> str | None:
    """`path` as seen from `directory`, with `..` gone; None when it leaves the repository."""
    parts = directory.split("/") if directory else []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


class Files:
    """One commit's files, and a purse of four reads."""

    def __init__(self, tree: Tree) -> None:
        self.truncated = tree.truncated
        self._modes = {entry.path: entry.mode for entry in tree.entries}
        self._sizes = {entry.path: entry.size for entry in tree.entries}
        self._known: dict[str, bytes] = {}
        self.left = MAX_READS

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Regular files, sorted."""
        return tuple(
            sorted(path for path, mode in self._modes.items() if mode not in (_SYMLINK, _SUBMODULE, _DIRECTORY))
        )

    @cached_property
    def directories(self) -> frozenset[str]:
        """Every directory that holds a file, at any depth; the root is not among them."""
        found: set[str] = set()
        for path in self.paths:
            while (path := parent(path)) and path not in found:
                found.add(path)
        return frozenset(found)

    @property
    def empty(self) -> bool:
        return not self._modes

    def __contains__(self, path: object) -> bool:
        """Whether it is a regular file."""
        return self._modes.get(str(path), _DIRECTORY) not in (_SYMLINK, _SUBMODULE, _DIRECTORY)

    def symlink(self, path: str) -> bool:
        return self._modes.get(path) == _SYMLINK

    def executable(self, path: str) -> bool:
        return self._modes.get(path) == "100755"

    @property
    def submodules(self) -> Iterator[str]:
        return (path for path, mode in self._modes.items() if mode == _SUBMODULE)

    def first(self, paths: Iterable[str]) -> str | None:
        return next((path for path in paths if path in self), None)

    def read(self, path: str | None) -> Reading:
        """What the file holds, once read for good; None when it is absent or no read is left."""
        if path is None or path not in self:
            return None
        if path not in self._known:
            if not self.left:
                return None
            if self._sizes[path] > MAX_BYTES:
                raise UserError(
                    f"{show(path)} is too large to read.",
                    f"It has {self._sizes[path] // 1024} KiB; WhaleRay reads {MAX_BYTES // 1024}.",
                    "Make it smaller, then push again.",
                )
            self.left -= 1
            content: bytes = yield path
            self._known[path] = content[:MAX_BYTES]
        return self._known[path]

    def text(self, path: str | None) -> Generator[str, bytes, str | None]:
        content = yield from self.read(path)
        return None if content is None else content.decode("utf-8-sig", "replace")
