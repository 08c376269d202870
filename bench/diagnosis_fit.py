"""Fits the weights of the extractor and says what they are worth on projects that they have not seen.

`uv run --with numpy python -m bench.diagnosis_fit`: logistic regression with an L2 penalty, each log of equal weight,
on the labelled logs of `bench.diagnosis`. First the strength of each mark alone (is this one of the first three
labelled lines?), then marks and place together, for the first lines (`head`) and for all (`body`). Logs are split by
project: five times a fifth of the projects is left out of the fit and measured. `--write` replaces the weights.
"""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.diagnosis import BUDGETS, HEAD, RESULTS, ROOT, LabelledLog, Tally, folder, logs
from bot.diagnosis.extract import choose
from bot.diagnosis.marks import MARKS
from bot.diagnosis.reading import read
from bot.diagnosis.score import CONTEXT, Scale, contexts

FOLDS = 5
PENALTY = 10.0
ROUNDS = 12
UNLABELLED = 700
"""Lines taken at random of those that are not labelled, per log."""
NAMES = [mark.name for mark in MARKS]
WEIGHTS = ROOT / "bot" / "diagnosis" / "weights.py"

numpy: Any = None


@dataclass(frozen=True)
class Example:
    """The lines of one log, as numbers."""

    features: Any
    labelled: Any
    weights: Any


@dataclass(frozen=True)
class Row:
    """One line: made into numbers only when it is in the sample."""

    number: int
    context: tuple[float, ...]
    marks: int

    def numbers(self) -> list[float]:
        return [*map(float, self.context), *(float(self.marks >> bit & 1) for bit in range(len(MARKS)))]


@dataclass(frozen=True)
class Weights:
    strength: dict[str, float]
    mark_head: dict[str, float]
    mark_body: dict[str, float]
    head: dict[str, float]
    body: dict[str, float]

    def scale(self) -> Scale:
        return Scale(self.strength, self.mark_head, self.mark_body, self.head, self.body)


NOTHING = Weights({}, {}, {}, {}, {})


def _example(log: LabelledLog, rows: Sequence[Row], most: int | None) -> Example | None:
    labelled = [number for first, last in log.spans for number in range(first, last + 1)]
    every, wanted = set(labelled), set(labelled[:most])
    true = [row for row in rows if row.number in wanted]
    false = [row for row in rows if row.number not in every]
    if not true or not false:
        return None
    share = (1 if log.source == "logchunks" else 2) * 1.0  # the smaller sets are of today's CI systems
    against = 0.3 * share * (log.text.count("\n") + 1) ** 0.5
    false = random.Random(log.name).sample(false, min(len(false), UNLABELLED))
    return Example(
        numpy.array([row.numbers() for row in (*true, *false)]),
        numpy.array([1.0] * len(true) + [0.0] * len(false)),
        numpy.array([share / len(true)] * len(true) + [against / len(false)] * len(false)),
    )


def _regression(examples: Sequence[Example | None], free: int | None) -> list[float]:
    """Newton's method; `free` is the column that isn't penalised."""
    told = [example for example in examples if example]
    rows = numpy.concatenate([example.features for example in told])
    labelled = numpy.concatenate([example.labelled for example in told])
    weights = numpy.concatenate([example.weights for example in told])
    penalty = numpy.full(rows.shape[1], PENALTY)
    if free is not None:
        penalty[free] = 1e-6
    found = numpy.zeros(rows.shape[1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + numpy.exp(-numpy.clip(rows @ found, -30, 30)))
        slope = rows.T @ (weights * (likely - labelled)) + penalty * found
        curve = (rows * (weights * likely * (1 - likely))[:, None]).T @ rows + numpy.diag(penalty)
        found = found - numpy.linalg.solve(curve, slope)
    return [round(float(value), 2) for value in found]


def fit(some: Sequence[LabelledLog]) -> Weights:
    """Both steps; the second reads the logs again, since a place is known by the strength around it."""
    marked = [
        _example(log, [Row(line.number, (1.0,), line.marks) for line in read(log.text.split("\n")).lines], HEAD)
        for log in some
    ]
    strength = dict(zip(NAMES, _regression(marked, 0)[1:], strict=True))
    scale = Weights(strength, {}, {}, {}, {}).scale()
    heads: list[Example | None] = []
    bodies: list[Example | None] = []
    for log in some:
        reading = read(log.text.split("\n"), scale)
        rows = [
            Row(line.number, context, line.marks)
            for line, context in zip(reading.lines, contexts(reading), strict=True)
            if context
        ]
        heads.append(_example(log, rows, HEAD))
        bodies.append(_example(log, rows, None))
    head, body = _regression(heads, None), _regression(bodies, None)
    places = len(CONTEXT)
    return Weights(
        strength,
        dict(zip(NAMES, head[places:], strict=True)),
        dict(zip(NAMES, body[places:], strict=True)),
        dict(zip(CONTEXT, head[:places], strict=True)),
        dict(zip(CONTEXT, body[:places], strict=True)),
    )


def folds(some: Sequence[LabelledLog]) -> Iterator[tuple[list[LabelledLog], list[LabelledLog]]]:
    """To fit on, and to measure on: no project is in both."""
    projects = sorted({log.project for log in some})
    random.Random(1).shuffle(projects)
    for first in range(FOLDS):
        out = set(projects[first::FOLDS])
        yield [log for log in some if log.project not in out], [log for log in some if log.project in out]


def cross_validated(some: Sequence[LabelledLog]) -> str:
    tallies: dict[tuple[str, int], Tally] = {}
    for known, unseen in folds(some):
        scale = fit(known).scale()
        for log in unseen:
            reading = read(log.text.split("\n"), scale)
            for budget in BUDGETS:
                for name in log.sets:
                    tallies.setdefault((name, budget), Tally()).add(log, choose(reading, budget), budget)
    rows = ["| set | logs | lines | any | head | full | spans |", "| --- | --- | --- | --- | --- | --- | --- |"]
    rows += [f"| {name} | {tally.logs} | {budget} | {tally} |" for (name, budget), tally in sorted(tallies.items())]
    return "\n".join(rows)


def source(weights: Weights) -> str:
    """`bot/diagnosis/weights.py`."""
    parts = ['"""What marks and places are worth: log-odds fitted by `bench/diagnosis_fit.py`. Made, not written."""\n']
    for name, values in vars(weights).items():
        lines = [f'    "{key}": {value:g},' for key, value in values.items() if value]
        parts.append("\n".join([f"{name.upper()}: dict[str, float] = {{", *lines, "}"]))
    return "\n".join(parts) + "\n"


def main() -> int:
    global numpy  # noqa: PLW0603  not a dependency of the project: only who fits needs it
    try:
        numpy = importlib.import_module("numpy")
    except ImportError:
        print("numpy is missing. Run: uv run --with numpy python -m bench.diagnosis_fit")
        return 2
    if not (folder() / "index.json").is_file():
        print("No labelled logs. WHALERAY_DIAGNOSIS_LOGS names their folder.")
        return 2
    some = list(logs(folder()))
    text = cross_validated(some)
    print(text)
    (RESULTS / "diagnosis-unseen.md").write_text(f"# Diagnosis, on projects that the fit has not seen\n\n{text}\n")
    if "--write" in sys.argv:
        WEIGHTS.write_text(source(fit(some)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
