"""One pass over a log of any length, in bounded memory: what is kept of it to choose from."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.diagnosis.marks import marks
from bot.diagnosis.normalise import normalise
from bot.diagnosis.score import FITTED, STRONG, Scale

KEPT = 20_000
"""Lines kept when a reading is thinned out; it holds twice as many before that happens."""
RECENT = 8_000
"""Lines before the end that are always kept: most causes stand there."""
BEFORE, AFTER = 6, 40
"""Lines kept around a strong one."""
TEMPLATES = 50_000
"""Different marked lines whose repeats are counted."""

_FAILURE = re.compile(
    r"The command .{0,2000} (?:exited with [1-9]|failed and exited)|##\[error\]|ERROR: Job failed|"
    r"(?:Error: )?Process completed with exit code [1-9]|Build step .* marked build as failure|"
    r"Done\. Your build exited with [1-9]|The job exceeded|No output has been received|"
    r"The build has been terminated|Your build has been stopped"
)
_BEGINNING = re.compile(
    r"\$ |The command .{0,2000} exited with 0|##\[group\]|travis_time:start|travis_fold:start|section_start|"
    r"Step \d+/\d+ :|\[Pipeline\] |#\d+ \["
)
_MAY_BEGIN, _MAY_FAIL = frozenset("$T#tsS["), frozenset("T#PEBDNY")
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+|\b[0-9a-f]{7,40}\b")


class Line(NamedTuple):
    """A line that was kept."""

    number: int
    """1-based in the whole log."""
    text: str
    """Normalised."""
    marks: int
    strength: float
    """What its marks alone are worth as the first line of a cause; never negative."""
    section: int
    strong_before: int
    """Strong lines before it in the whole log."""
    strong_before_here: int
    """The same, in its section."""
    template: str
    """Its text without numbers where it has a strength; else empty."""
    earlier: int
    """Lines of the same template before it."""


@dataclass
class Reading:
    """A log as read so far. A section is what one command of a CI system wrote, or one step of a Docker build."""

    scale: Scale = FITTED
    lines: list[Line] = field(default_factory=list)
    total: int = 0
    failures: dict[int, int] = field(default_factory=dict)
    """Section -> number of the line that says that it failed."""
    first_failure: int | None = None
    last_ends: deque[int] = field(default_factory=lambda: deque(maxlen=2))
    repeats: Counter[str] = field(default_factory=Counter)
    section: int = 0
    strong: int = 0
    strong_here: int = 0

    def add(self, raw: str) -> None:
        """Take up the next line."""
        text = normalise(raw)
        self.total += 1
        if text and text[0] in _MAY_BEGIN and _BEGINNING.match(text):
            self._begin()
        found = marks(text)
        points = self.scale.strength(found)
        template, earlier = "", 0
        if points > 0:
            template = _NUMBERS.sub("#", text[:200])[:100]
            earlier = self.repeats[template]
            self.repeats[template] = earlier + 1
        self.lines.append(
            Line(self.total, text, found, points, self.section, self.strong, self.strong_here, template, earlier)
        )
        if points > STRONG:
            self.strong += 1
            self.strong_here += 1
        if text and text[0] in _MAY_FAIL and _FAILURE.match(text):
            self._fail(text)
        if len(self.lines) > 2 * KEPT:
            self._thin()

    @property
    def ends(self) -> frozenset[int]:
        """The lines that say a command or the whole job failed: the first, and the last two."""
        return frozenset({*self.last_ends, self.first_failure or 0})

    def _begin(self) -> None:
        self.section += 1
        self.strong_here = 0

    def _fail(self, text: str) -> None:
        self.last_ends.append(self.total)
        if self.first_failure is not None and text.startswith("Done."):
            return  # the whole job's end, which repeats what a command's end has said
        self.failures[self.section] = self.total
        self.first_failure = self.first_failure or self.total
        self._begin()

    def _thin(self) -> None:
        """Of all but the recent lines keep those around the strongest; forget what no kept line needs."""
        old = len(self.lines) - RECENT
        kept: set[int] = set()
        strongest = sorted((i for i in range(old) if self.lines[i].strength > 0), key=lambda i: -self.lines[i].strength)
        for index in strongest:
            if len(kept) >= KEPT - RECENT:
                break
            kept.update(range(max(0, index - BEFORE), min(old, index + AFTER)))
        self.lines = [self.lines[i] for i in sorted(kept)] + self.lines[old:]
        sections = {line.section for line in self.lines}
        self.failures = {section: end for section, end in self.failures.items() if section in sections}
        if len(self.repeats) > TEMPLATES:
            self.repeats = Counter(dict(self.repeats.most_common(TEMPLATES // 2)))


def read(lines: Iterable[str], scale: Scale = FITTED) -> Reading:
    """Read a log to its end."""
    reading = Reading(scale)
    for line in lines:
        reading.add(line)
    return reading
