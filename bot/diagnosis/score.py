"""How much a line looks like the first line of a cause (`head`), and like a part of one (`body`)."""

from __future__ import annotations

from functools import lru_cache
from math import log1p
from typing import TYPE_CHECKING

from bot.diagnosis.marks import MARKS
from bot.diagnosis.weights import BODY, HEAD, MARK_BODY, MARK_HEAD, STRENGTH

if TYPE_CHECKING:
    from bot.diagnosis.reading import Line, Reading

STRONG = 2.0
"""Strength from which a line counts as a plain statement of a failure."""
NEAR, FAR = 0.6, 0.93
"""What is left, one line on, of a strong line's influence on those around it."""
FAINT = 0.02
"""Influence below which a line is not looked at further."""
LAST = 50
"""Lines before the end that are always looked at."""
NEVER = -100.0

_STRENGTH = [STRENGTH.get(mark.name, 0.0) for mark in MARKS]
_MARK_HEAD = [MARK_HEAD.get(mark.name, 0.0) for mark in MARKS]
_MARK_BODY = [MARK_BODY.get(mark.name, 0.0) for mark in MARKS]

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
_HEAD = [HEAD.get(name, 0.0) for name in CONTEXT]
_BODY = [BODY.get(name, 0.0) for name in CONTEXT]


@lru_cache(maxsize=65536)
def strength(marks: int) -> float:
    """What marks alone are worth, 0 or more."""
    return max(0.0, _sum(marks, _STRENGTH))


@lru_cache(maxsize=65536)
def _worth(marks: int) -> tuple[float, float]:
    return _sum(marks, _MARK_HEAD), _sum(marks, _MARK_BODY)


def _sum(marks: int, weights: list[float]) -> float:
    return sum(weight for bit, weight in enumerate(weights) if marks >> bit & 1)


def influences(strengths: list[float], decay: float) -> list[float]:
    """For each place, the strongest of those before it, each fading by `decay` a line."""
    out: list[float] = []
    fading = 0.0
    for value in strengths:
        out.append(fading)
        fading = max(fading, value) * decay
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
    for index, line in enumerate(lines):
        near = (before[index], long_before[index], after[index], long_after[index])
        looked_at = max(near[1], near[3], line.strength) > FAINT or line.number > reading.total - LAST
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
    heads: list[float] = []
    bodies: list[float] = []
    for line, context in zip(reading.lines, contexts(reading), strict=True):
        if context is None:
            heads.append(NEVER)
            bodies.append(NEVER)
            continue
        head, body = _worth(line.marks)
        for value, of_head, of_body in zip(context, _HEAD, _BODY, strict=True):
            if value:
                head += value * of_head
                body += value * of_body
        heads.append(head)
        bodies.append(body)
    return heads, bodies
