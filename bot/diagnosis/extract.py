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

_ROOT = re.compile(r"\s*Caused by: ")
"""What a long stack trace is about stands there, and its frames must not crowd it out."""
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def extract(text: str, budget_lines: int) -> list[int]:
    """1-based numbers of the lines that carry the cause, ascending, at most `budget_lines`."""
    return extract_lines(text.split("\n"), budget_lines)


def extract_lines(lines: Iterable[str], budget_lines: int) -> list[int]:
    """`extract` for a log of any length, which is read once and never held whole."""
    return choose(read(lines), budget_lines)


def choose(reading: Reading, budget: int) -> list[int]:
    """The lines of a reading that carry the cause, at most `budget`; all of them when they are no more."""
    return Choice(reading).of(budget)


class Choice:
    """A reading, scored once, to choose from within this budget or that."""

    def __init__(self, reading: Reading) -> None:
        self._total = reading.total
        self._lines = reading.lines
        heads, bodies = scores(reading)
        live = [index for index, head in enumerate(heads) if head > NEVER]
        self._by_head = sorted(live, key=lambda i: -heads[i])
        self._ends = [i for i in range(len(self._lines) - 1, -1, -1) if self._lines[i].number in reading.ends]
        self._values = self._valued(live, heads, bodies)
        self._unit_of = units(line.text for line in self._lines)
        self._sizes = Counter(self._unit_of)
        self._best: dict[int, float] = {}
        for index, value in self._values.items():
            unit = self._unit_of[index]
            self._best[unit] = max(value, self._best.get(unit, 0.0))

    def of(self, budget: int) -> list[int]:
        """The numbers of the lines chosen, ascending."""
        if budget <= 0:
            return []
        if self._total <= budget:
            return [line.number for line in self._lines]
        chosen = dict.fromkeys(self._by_head[: max(1, int(LIKELIEST * budget))])
        chosen.update(dict.fromkeys(_varied(self._lines, self._by_head, int(VARIED * budget))))
        chosen.update(dict.fromkeys(self._ends))
        for index in (*self._by_value(budget), *range(len(self._lines) - 1, -1, -1)):
            if len(chosen) >= budget:
                break
            chosen[index] = None
        return sorted(self._lines[index].number for index in list(chosen)[:budget])

    def _valued(self, live: Sequence[int], heads: Sequence[float], bodies: Sequence[float]) -> dict[int, float]:
        """What a line is worth to the reader by its own likelihood and its neighbours'."""
        body = [_likelihood(score) for score in bodies]
        sums = [0.0, *accumulate(body)]
        values: dict[int, float] = {}
        for index in live:
            low, high = max(0, index - AROUND), min(len(body), index + AROUND + 1)
            around = (sums[high] - sums[low]) / (2 * AROUND + 1)
            value = 0.7 * around + 0.3 * body[index] + 0.5 * _likelihood(heads[index])
            values[index] = value if self._lines[index].text else value / 2
        return values

    def _by_value(self, budget: int) -> list[int]:
        """The most valuable first, a unit that fits as a whole."""
        fits = max(3.0, WHOLE * budget)

        def value(index: int) -> float:
            unit = self._unit_of[index]
            whole = self._sizes[unit] <= fits or _ROOT.match(self._lines[index].text)
            return max(self._values[index], 0.9 * self._best[unit]) if whole else self._values[index]

        return sorted(self._values, key=lambda index: -value(index))


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


def _likelihood(score: float) -> float:
    return 1 / (1 + exp(-score)) if score > NEVER else 0.0
