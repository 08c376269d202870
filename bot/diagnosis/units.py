"""Lines that belong together: a stack trace with what caused it, a compiler's message with its source and caret, a test
with its assertion, a tool's box. A unit is chosen whole or, where it is longer than the budget bears, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CONTINUES = re.compile(
    r"\s*(?:at [\w<$.\[]|\.\.\. \d+ |Caused by: |Suppressed: |\^|~+\^|\|)|\s*File \"|\[\w+\]\s{2,}\S|"
    r"npm (?:ERR!|error) "
    r"|#\d+ \d+\.\d+ {2,}"
)


_BOX_BEGINS = re.compile(r"APPLICATION FAILED TO START|\* What went wrong:|Description:$")
_BOX_ENDS = re.compile(r"\* (?!What went wrong)|\[?[\d:.T-]{8,}|[\w/]+>\s|BUILD ")
_BOX_LONGEST = 30


def units(lines: Iterable[str]) -> list[int]:
    """For each line the index of the first line of its unit.

    A unit goes on with lines that are indented deeper than its first, and with those that continue by their form
    (frames, causes, carets, a prefix of the same tool followed by an indent); an empty line ends it. Spring's and
    Gradle's boxes have empty lines inside and end where something else begins.
    """
    out: list[int] = []
    first = -1
    depth = 0
    box = _Box()
    for index, line in enumerate(lines):
        text = line.lstrip()
        if (begun := box.holds(index, text)) is not None:
            out.append(begun)
            first = -1
            continue
        indent = len(line) - len(text)
        if text and not (first >= 0 and (indent > depth or _CONTINUES.match(line))):
            first, depth = index, indent
        out.append(first if text else index)
        if not text:
            first = -1
    return out


class _Box:
    """Where one is open: its first line, and how far it goes."""

    def __init__(self) -> None:
        self._first = -1

    def holds(self, index: int, text: str) -> int | None:
        """The first line of the box that `text`, the stripped line, belongs to."""
        if self._first >= 0 and (index - self._first >= _BOX_LONGEST or _BOX_ENDS.match(text)):
            self._first = -1
        if self._first < 0:
            if not text or text[0] not in "A*D" or not _BOX_BEGINS.match(text):
                return None
            self._first = index
        return self._first
