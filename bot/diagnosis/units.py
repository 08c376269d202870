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


def units(lines: Iterable[str]) -> list[int]:
    """For each line the index of the first line of its unit.

    A unit goes on with lines that are indented deeper than its first, and with those that continue by their form
    (frames, causes, carets, a prefix of the same tool followed by an indent); an empty line ends it.
    """
    out: list[int] = []
    first = -1
    depth = 0
    for index, line in enumerate(lines):
        text = line.lstrip()
        indent = len(line) - len(text)
        if text and not (first >= 0 and (indent > depth or _CONTINUES.match(line))):
            first, depth = index, indent
        out.append(first if text else index)
        if not text:
            first = -1
    return out
