"""The lines of a log that carry the cause of its failure, within a budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.diagnosis.normalise import normalised
from bot.diagnosis.score import score


@dataclass(frozen=True)
class Line:
    """A line that was kept: its 1-based number, its normalised text, and how much it looks like the cause."""

    number: int
    text: str
    points: float


def read(lines: Iterable[str]) -> list[Line]:
    return [Line(number, text, score(text)) for number, text in enumerate(normalised(lines), 1)]


def choose(lines: list[Line], budget_lines: int) -> list[int]:
    if len(lines) <= budget_lines:
        return [line.number for line in lines]
    tail = max(1, budget_lines // 5)
    chosen = set(range(len(lines) - tail, len(lines)))
    for index in sorted(range(len(lines)), key=lambda i: (-lines[i].points, -i)):
        for near in range(max(0, index - 1), min(len(lines), index + 4)):
            if len(chosen) >= budget_lines:
                return sorted(lines[i].number for i in chosen)
            chosen.add(near)
    return sorted(lines[i].number for i in chosen)


def extract(text: str, budget_lines: int) -> list[int]:
    """1-based numbers of the lines that carry the cause, ascending, at most `budget_lines`."""
    return choose(read(text.split("\n")), budget_lines) if budget_lines > 0 else []
