"""Secrets taken out of what leaves the machine: a line in, a line out, so that numbers stay and memory is bounded."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import quote, quote_plus

from bot.diagnosis.credentials import BY_PLACE, BY_SHAPE, MARK, without_named
from bot.diagnosis.normalise import without_escapes

SHORTEST = 4
"""Characters of the shortest known secret that is looked for: shorter ones would shred every line and hide nothing."""
SHORTEST_INSIDE_WORDS = 8
"""A known secret below this length is only replaced where it stands alone."""
LONGEST_LINE = 65_536
"""Characters kept of a line: no reader wants the rest of a minified bundle, and what is left out can't leak."""
LONGEST_PEM = 400
"""Lines after which a PEM block that nobody ended is taken for ended: a key of 8192 bits has 100."""

_PEM_EDGE = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]{0,60}-----")


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """`text` with every credential in it, and every value of `secrets`, replaced by `[redacted]`.

    The number of lines stays, and so does what else stands on each. Colours are taken out, since they could split a
    secret in two, and so is the middle of a line of more than 65,536 characters. A value of `secrets` shorter than
    four characters is left alone.
    """
    return "\n".join(redacted(text.split("\n"), secrets))


def redacted(lines: Iterable[str], secrets: Collection[str] = ()) -> Iterator[str]:
    """`redact` for a log of any length: each line as soon as it is read."""
    known = _Known(secrets)
    inside = 0
    for line in lines:
        plain = without_escapes(line if len(line) <= LONGEST_LINE else _shortened(line))
        if inside or "-----BEGIN " in plain:
            plain, inside = _pem(plain, inside)
        plain = known.without(plain)
        for credential in BY_SHAPE:
            if any(hint in plain for hint in credential.hints):
                plain = credential.pattern.sub(credential.replacement, plain)
        for credential in BY_PLACE:
            if any(hint in plain for hint in credential.hints):
                plain = credential.pattern.sub(credential.replacement, plain)
        yield without_named(plain)


def _shortened(line: str) -> str:
    """Both ends of a line: the last part is what a carriage return left to see."""
    half = LONGEST_LINE // 2
    return f"{line[:half]} [...] {line[-half:]}"


def _pem(line: str, inside: int) -> tuple[str, int]:
    """The line without key material, and how many lines of a block were read with it; 0: outside."""
    parts: list[str] = []
    at = 0
    for edge in _PEM_EDGE.finditer(line):
        parts += [_hidden(line[at : edge.start()], inside), edge.group()]
        inside = 1 if edge.group(1) == "BEGIN" else 0
        at = edge.end()
    parts.append(_hidden(line[at:], inside))
    return "".join(parts), inside + 1 if 0 < inside < LONGEST_PEM else 0


def _hidden(text: str, inside: int) -> str:
    return MARK if inside and text.strip() else text


class _Known:
    """The secrets that WhaleRay itself holds, as they may be spelt."""

    def __init__(self, secrets: Collection[str]) -> None:
        spellings = sorted({spelling for secret in secrets for spelling in _spellings(secret)}, key=len, reverse=True)
        self._long = [value for value in spellings if len(value) >= SHORTEST_INSIDE_WORDS]
        self._short = [
            (value, re.compile(rf"(?<!\w){re.escape(value)}(?!\w)"))
            for value in spellings
            if len(value) < SHORTEST_INSIDE_WORDS
        ]

    def without(self, line: str) -> str:
        for value in self._long:
            if value in line:
                line = line.replace(value, MARK)
        for value, alone in self._short:
            if value in line:
                line = alone.sub(MARK, line)
        return line


def _spellings(secret: str) -> Iterator[str]:
    """The value, and how it looks in a URL, in a JSON string, in base 64 and, of several lines, line by line."""
    value = secret.strip()
    if len(value) < SHORTEST:
        return
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= SHORTEST)
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    if len(value) >= SHORTEST_INSIDE_WORDS:
        yield base64.b64encode(value.encode()).decode().rstrip("=")
