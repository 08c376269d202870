"""The arithmetic of measurements: shares, ratios and runs that alternate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

T = TypeVar("T")
RUNS = 5
"""Of each of two things that are compared, one after the other: what the machine does meanwhile meets both."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values don't exceed. Raises ValueError for none."""
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no {share:.0%} of {len(values)} values")
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


@dataclass(frozen=True)
class Spread:
    """What is told of many values of one kind."""

    count: int
    p50: float
    p90: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        p50, p90, p99 = (percentile(values, share) for share in (0.5, 0.9, 0.99))
        return cls(len(values), p50, p90, p99, max(values))

    def row(self, name: str, scale: float = 1000.0, digits: int = 1) -> str:
        """A row of a table; seconds become milliseconds unless `scale` says otherwise."""
        told = (self.p50, self.p90, self.p99, self.most)
        return f"| {name} | {self.count} | " + " | ".join(f"{each * scale:.{digits}f}" for each in told) + " |"


SPREAD_HEAD = ("| what | count | p50 | p90 | p99 | most |", "| --- | ---: | ---: | ---: | ---: | ---: |")


@dataclass(frozen=True)
class Compared(Generic[T]):
    """Runs of two things, in turns."""

    ours: tuple[T, ...]
    theirs: tuple[T, ...]

    def medians(self, of: Callable[[T], float]) -> tuple[float, float]:
        return median(map(of, self.ours)), median(map(of, self.theirs))

    def ratio(self, of: Callable[[T], float]) -> float:
        """The median of ours over the median of theirs."""
        ours, theirs = self.medians(of)
        return ours / theirs


def in_turns(ours: Callable[[], T], theirs: Callable[[], T], runs: int = RUNS) -> Compared[T]:
    """Each `runs` times. Who begins changes from turn to turn, so that neither always comes second."""
    mine: list[T] = []
    other: list[T] = []
    for turn in range(runs):
        pair = [(mine, ours), (other, theirs)]
        for kept, run in pair if turn % 2 == 0 else reversed(pair):
            kept.append(run())
    return Compared(tuple(mine), tuple(other))


def growth(before: float, after: float) -> float:
    """By how much `after` exceeds `before`, as a share of it."""
    return after / before - 1


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """k of cost ~ size^k, by least squares over the logarithms: 1 is linear, 2 quadratic, 0 says that size costs
    nothing. Raises ValueError for fewer than two sizes."""
    if len(sizes) < 2 or len(sizes) != len(costs):
        raise ValueError(f"{len(sizes)} sizes and {len(costs)} costs")
    xs, ys = [math.log(each) for each in sizes], [math.log(each) for each in costs]
    mid_x, mid_y = sum(xs) / len(xs), sum(ys) / len(ys)
    over = sum((x - mid_x) * (y - mid_y) for x, y in zip(xs, ys, strict=True))
    return over / sum((x - mid_x) ** 2 for x in xs)
