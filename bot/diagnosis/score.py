"""How much a line looks like the first line of a cause (`head`), and like a part of one (`body`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import log1p
from operator import mul
from typing import TYPE_CHECKING

from bot.diagnosis import weights
from bot.diagnosis.marks import MARKS

if TYPE_CHECKING:
    from bot.diagnosis.reading import Line, Reading

STRONG = 2.0
"""Strength from which a line counts as a plain statement of a failure."""
NEAR, FAR = 0.6, 0.93
"""What is left, one line on, of a strong line's influence on those around it."""
FAINT = 0.4
"""Influence below which a line is not looked at further."""
LAST = 50
"""Lines before the end that are always looked at."""
NEVER = -100.0
_COMBINATIONS = 65_536

CONTEXT = (
    "constant",
    "own strength",
    "in a failing section",
    "distance to its end",
    "after the first failure",
    "before the first failure",
    "distance to the end",
    "near the end",
    "share of the log",
    "near the end, no failure marked",
    "repeats",
    "only one of its kind",
    "first of its kind",
    "earlier ones of its kind",
    "flush left",
    "indent",
    "blank",
    "length",
    "after a blank",
    "strong ones before",
    "no strong one before",
    "strong ones before in its section",
    "first strong one of its section",
    "strong just before",
    "strong before",
    "strong just after",
    "strong after",
)
"""What is known of a line besides its marks, in the order of `context`."""


class Scale:
    """Weights, laid out for speed: few combinations of marks make up most of a log."""

    def __init__(
        self,
        strength: Mapping[str, float],
        mark_head: Mapping[str, float],
        mark_body: Mapping[str, float],
        head: Mapping[str, float],
        body: Mapping[str, float],
    ) -> None:
        self._strength = [strength.get(mark.name, 0.0) for mark in MARKS]
        self._mark_head = [mark_head.get(mark.name, 0.0) for mark in MARKS]
        self._mark_body = [mark_body.get(mark.name, 0.0) for mark in MARKS]
        self.head = [head.get(name, 0.0) for name in CONTEXT]
        self.body = [body.get(name, 0.0) for name in CONTEXT]
        self.strength = lru_cache(maxsize=_COMBINATIONS)(self._strength_of)
        self.worth = lru_cache(maxsize=_COMBINATIONS)(self._worth_of)

    def _strength_of(self, marks: int) -> float:
        """What marks alone are worth, 0 or more."""
        return max(0.0, _sum(marks, self._strength))

    def _worth_of(self, marks: int) -> tuple[float, float]:
        """What marks add to head and body, once the place is known."""
        return _sum(marks, self._mark_head), _sum(marks, self._mark_body)


def _sum(marks: int, weights: list[float]) -> float:
    return sum(weight for bit, weight in enumerate(weights) if marks >> bit & 1)


FITTED = Scale(weights.STRENGTH, weights.MARK_HEAD, weights.MARK_BODY, weights.HEAD, weights.BODY)


def influences(strengths: list[float], decay: float) -> list[float]:
    """For each place, the strongest of those before it, each fading by `decay` a line."""
    out: list[float] = []
    fading = 0.0
    for value in strengths:
        out.append(fading)
        fading = (value if value > fading else fading) * decay  # `max` takes twice as long
    return out


def contexts(reading: Reading) -> list[tuple[float, ...] | None]:
    """`CONTEXT` of every kept line; None for one that is far from anything strong and from the end."""
    lines = reading.lines
    strengths = [line.strength for line in lines]
    backwards = strengths[::-1]
    before, long_before = influences(strengths, NEAR), influences(strengths, FAR)
    after, long_after = influences(backwards, NEAR)[::-1], influences(backwards, FAR)[::-1]
    out: list[tuple[float, ...] | None] = []
    blank = True
    last = reading.total - LAST
    for index, line in enumerate(lines):
        looked_at = (
            long_before[index] > FAINT or long_after[index] > FAINT or line.strength > FAINT or line.number > last
        )
        near = (before[index], long_before[index], after[index], long_after[index])
        out.append(_context(reading, line, blank, near) if looked_at else None)
        blank = not line.text
    return out


def _context(
    reading: Reading, line: Line, after_blank: bool, near: tuple[float, float, float, float]
) -> tuple[float, ...]:
    total = reading.total
    end = reading.failures.get(line.section)
    failing = end is not None
    first = reading.first_failure or total
    repeats = reading.repeats[line.template] if line.template else 1
    indent = len(line.text) - len(line.text.lstrip())
    return (
        1.0,
        line.strength,
        failing,
        log1p(end - line.number) if end is not None else 0.0,
        not failing and line.number > first,
        not failing and line.number <= first,
        log1p(total - line.number) / 10,
        total - line.number < LAST,
        line.number / total,
        reading.first_failure is None and total - line.number < LAST,
        log1p(repeats),
        repeats == 1,
        line.earlier == 0,
        log1p(line.earlier),
        indent == 0,
        min(indent, 20) / 10,
        not line.text,
        min(len(line.text), 200) / 100,
        after_blank,
        log1p(line.strong_before),
        line.strong_before == 0,
        log1p(line.strong_before_here),
        line.strong_before_here == 0 and line.strength > STRONG,
        *near,
    )


def scores(reading: Reading) -> tuple[list[float], list[float]]:
    """Head and body of every kept line: log-odds, so above 0 means more likely than not."""
    scale = reading.scale
    heads: list[float] = []
    bodies: list[float] = []
    for line, context in zip(reading.lines, contexts(reading), strict=True):
        if context is None:
            heads.append(NEVER)
            bodies.append(NEVER)
            continue
        head, body = scale.worth(line.marks)
        heads.append(head + sum(map(mul, context, scale.head)))
        bodies.append(body + sum(map(mul, context, scale.body)))
    return heads, bodies
