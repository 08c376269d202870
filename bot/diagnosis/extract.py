"""The lines of a log that carry the cause of its failure, within a budget."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import exp

from bot.diagnosis.reading import Line, Reading, read
from bot.diagnosis.score import NEVER, scores
from bot.diagnosis.units import units

VARIED = 0.4
"""Share of the budget for the likeliest first lines of a cause, at most `ALIKE` of one shape: a hundred failed tests
must not crowd out the one compiler error."""
ALIKE = 1
LIKELIEST = 0.3
"""Share of the budget for the likeliest first lines whatever their shape."""
WHOLE = 0.5
"""Share of the budget up to which a unit stays whole."""
AROUND = 8
"""Lines before and after that have a say in a line's value, since a cause is seldom one line."""

_NOT_LETTERS = re.compile(r"[\W\d_]+")


def extract(text: str, budget_lines: int) -> list[int]:
    """1-based numbers of the lines that carry the cause, ascending, at most `budget_lines`."""
    return extract_lines(text.split("\n"), budget_lines)


def extract_lines(lines: Iterable[str], budget_lines: int) -> list[int]:
    """`extract` for a log of any length, which is read once and never held whole."""
    return choose(read(lines), budget_lines)


def choose(reading: Reading, budget: int) -> list[int]:
    """The lines of a reading that carry the cause, at most `budget`; all of them when they are no more."""
    return sorted(ranked(reading, budget))


def ranked(reading: Reading, budget: int) -> list[int]:
    """`choose`, the most telling first."""
    lines = reading.lines
    if budget <= 0:
        return []
    if reading.total <= budget:
        return [line.number for line in lines]
    heads, bodies = scores(reading)
    live = [index for index, head in enumerate(heads) if head > NEVER]
    by_head = sorted(live, key=lambda i: -heads[i])
    chosen = dict.fromkeys(by_head[: max(1, int(LIKELIEST * budget))])
    chosen.update(dict.fromkeys(_varied(lines, by_head, int(VARIED * budget))))
    ends = reading.ends
    chosen.update(dict.fromkeys(i for i in range(len(lines) - 1, -1, -1) if lines[i].number in ends))
    values = _values(lines, live, heads, bodies, budget)
    for index in (*sorted(live, key=lambda i: -values[i]), *range(len(lines) - 1, -1, -1)):
        if len(chosen) >= budget:
            break
        chosen[index] = None
    return [lines[i].number for i in list(chosen)[:budget]]


def _varied(lines: Sequence[Line], by_head: Sequence[int], most: int) -> list[int]:
    shapes: Counter[str] = Counter()
    varied: list[int] = []
    for index in by_head:
        if len(varied) >= most:
            break
        shape = " ".join(_NOT_LETTERS.split(lines[index].text[:100])[:3])[:24].lower()
        if shapes[shape] < ALIKE:
            shapes[shape] += 1
            varied.append(index)
    return varied


def _values(
    lines: Sequence[Line], live: Sequence[int], heads: Sequence[float], bodies: Sequence[float], budget: int
) -> dict[int, float]:
    """What each line is worth to the reader: its own likelihood and its neighbours', and its unit's where that fits."""
    body = [_likelihood(score) for score in bodies]
    sums = [0.0, *accumulate(body)]
    values: dict[int, float] = {}
    last = len(lines)
    for index in live:
        low, high = max(0, index - AROUND), min(last, index + AROUND + 1)
        around = (sums[high] - sums[low]) / (2 * AROUND + 1)
        value = 0.7 * around + 0.3 * body[index] + 0.5 * _likelihood(heads[index])
        values[index] = value if lines[index].text else value / 2
    unit_of = units(line.text for line in lines)
    sizes = Counter(unit_of)
    best: dict[int, float] = {}
    for index, value in values.items():
        best[unit_of[index]] = max(value, best.get(unit_of[index], 0.0))
    fits = max(3.0, WHOLE * budget)
    return {
        index: max(value, 0.9 * best[unit_of[index]]) if sizes[unit_of[index]] <= fits else value
        for index, value in values.items()
    }


def _likelihood(score: float) -> float:
    return 1 / (1 + exp(-score)) if score > NEVER else 0.0
