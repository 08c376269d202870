"""A log line as a person would read it: no colours, no overwritten progress, no time stamps. Numbers of lines stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONGEST = 500
"""Characters kept of a line: a cause is said in fewer, and one line of a minified bundle may have millions."""

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;:?<=>!]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[()][0-9A-B]|[@-Z\\-_=>])|"
    # as `cat -v` spells them, and with the escape character lost on the way
    r"\^\[\[[0-9;]{0,20}[A-Za-z]|\[\d{1,3}(?:;\d{1,3}){0,5}m"
)
_SPELT = re.compile(r"\^\[\[|\[\d{1,3}(?:;\d{1,3}){0,5}m")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CI_PREFIX = re.compile(
    # `gh run view --log` (job, step, time), GitHub Actions, Docker's BuildKit, Docker Compose
    r"(?:[^\t]{1,80}\t[^\t]{1,80}\t(?=\ufeff?\d{4}-))?"
    r"\ufeff?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[ \t]|"
    r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?\]?[ \t]|"
    r"#\d{1,4} \d{1,5}\.\d{1,4} )"
)

_PREFIX_BEGINS = frozenset("0123456789[#\ufeff")


def without_escapes(line: str) -> str:
    """`line` without what sets colours and moves cursors."""
    if "\x1b" in line or ("[" in line and _SPELT.search(line)):
        return _ESCAPES.sub("", line)
    return line


def plain(line: str) -> str:
    """`line` without escape sequences and control characters; of text that a carriage return overwrote, the last."""
    line = line.rstrip("\r")
    if "\r" in line:
        parts = without_escapes(line[-4 * LONGEST :]).split("\r")
        line = next((part for part in reversed(parts) if part.strip()), "")
    else:
        line = without_escapes(line[: 4 * LONGEST])
    line = line[:LONGEST].rstrip()
    return line if line.isprintable() else _CONTROLS.sub("", line)


def without_stamp(line: str) -> str:
    """`line` without the time stamp and the prefix that a CI system or Docker put before it."""
    if not line or (line[0] not in _PREFIX_BEGINS and "\t" not in line):
        return line
    match = _CI_PREFIX.match(line)
    return line[match.end() :] if match else line


def normalise(line: str) -> str:
    """The line as it is scored and shown, at most `LONGEST` characters."""
    return without_stamp(plain(line))


def normalised(lines: Iterable[str]) -> Iterator[str]:
    """One for one, so that the n-th stays the n-th."""
    return (normalise(line) for line in lines)
