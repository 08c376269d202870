"""How well the extractor finds the cause in labelled logs: `make bench-diagnosis`.

The logs are not part of the project. `WHALERAY_DIAGNOSIS_LOGS` names their folder: an `index.json` of entries with
`file` (gzip), `set`, `lang`, `kinds` and `spans` (1-based, inclusive). `WHALERAY_LOGDETECTIVE_PYTHON` names the
interpreter of an environment with PyPI `logdetective`, to measure its extractor beside ours.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.diagnosis import extract, redact

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
BUDGETS = (50, 200)
LOGDETECTIVE = Path(__file__).with_name("logdetective_lines.py")
SAMPLED = 4
"""logdetective is asked about every fourth log: it takes ten times as long."""
HEAD = 3
"""One of the first so many labelled lines must be there for `head`."""


@dataclass(frozen=True)
class LabelledLog:
    name: str
    source: str
    project: str
    jvm: bool
    text: str
    spans: tuple[tuple[int, int], ...]

    @property
    def sets(self) -> tuple[str, ...]:
        return (self.source, f"{self.source}, JVM") if self.jvm and self.source == "logchunks" else (self.source,)

    @property
    def megabytes(self) -> float:
        return len(self.text.encode()) / 1e6


@dataclass
class Tally:
    """Counts over logs; `spans` over labelled spans."""

    logs: int = 0
    any: int = 0
    head: int = 0
    full: int = 0
    spans: int = 0
    found: int = 0

    def add(self, log: LabelledLog, chosen: Collection[int], budget: int) -> None:
        kept = set(chosen)
        lines = log.text.split("\n")
        label = [number for first, last in log.spans for number in range(first, last + 1) if number <= len(lines)]
        told = [number for number in label if lines[number - 1].strip()] or label
        self.logs += 1
        self.any += not kept.isdisjoint(label)
        self.head += not kept.isdisjoint(label[:HEAD])
        self.full += sum(number in kept for number in told) >= min(len(told), budget)
        self.spans += len(log.spans)
        self.found += sum(any(first <= number <= last for number in kept) for first, last in log.spans)

    def __str__(self) -> str:
        shares = [*(count / self.logs for count in (self.any, self.head, self.full)), self.found / self.spans]
        return " | ".join(f"{100 * share:.1f}" for share in shares)


@dataclass
class Measured:
    tallies: dict[tuple[str, int, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    megabytes: float = 0.0
    lines: int = 0
    altered: int = 0
    altered_labelled: int = 0


def folder() -> Path:
    return Path(os.environ.get("WHALERAY_DIAGNOSIS_LOGS") or ROOT.parent / "shared" / "logs")


def logs(where: Path) -> Iterator[LabelledLog]:
    """The labelled logs, one at a time."""
    for entry in json.loads((where / "index.json").read_text()):
        parts = entry["id"].split("/")
        own = entry["set"] == "logchunks"
        yield LabelledLog(
            name=entry["id"],
            source=entry["set"],
            project=parts[2] if own else parts[-2] if entry["set"] == "cidiff-dump" else parts[-1].split("_")[0],
            jvm=entry["lang"] == "Java" or not {"maven", "gradle"}.isdisjoint(entry["kinds"]),
            text=gzip.decompress((where / entry["file"]).read_bytes()).decode("utf-8", "replace"),
            spans=tuple((first, last) for first, last in entry["spans"]),
        )


def tail(text: str, budget: int) -> Sequence[int]:
    total = text.count("\n") + 1
    return range(max(1, total - budget + 1), total + 1)


def measure(some: Iterator[LabelledLog], theirs: Callable[[str, int], Sequence[int]] | None) -> Measured:
    """Every extractor on every log; processor seconds, so that a busy machine doesn't count."""
    measured = Measured()
    for nth, log in enumerate(some):
        measured.megabytes += log.megabytes
        for budget in BUDGETS:
            began = time.process_time()
            ours = extract(log.text, budget)
            measured.seconds[f"extract, {budget} lines"] += time.process_time() - began
            chosen = {"WhaleRay": ours, f"last {budget}": tail(log.text, budget)}
            if theirs and nth % SAMPLED == 0:
                chosen["logdetective"] = theirs(log.text, budget)
            for name, numbers in chosen.items():
                for each in log.sets:
                    measured.tallies[each, budget, name].add(log, numbers, budget)
        _redaction(log, measured)
    return measured


def _redaction(log: LabelledLog, measured: Measured) -> None:
    began = time.process_time()
    clean = redact(log.text)
    measured.seconds["redact"] += time.process_time() - began
    label = {number for first, last in log.spans for number in range(first, last + 1)}
    for number, (raw, line) in enumerate(zip(log.text.split("\n"), clean.split("\n"), strict=True), 1):
        measured.lines += 1
        if "[redacted]" in line and "[redacted]" not in raw:
            measured.altered += 1
            measured.altered_labelled += number in label


@contextmanager
def logdetective(python: str | None) -> Iterator[Callable[[str, int], Sequence[int]] | None]:
    """Its Drain extractor, in an interpreter of its own; None where there is none."""
    if not python:
        yield None
        return
    with subprocess.Popen(
        [python, str(LOGDETECTIVE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin and child.stdout
        ask, answer = child.stdin, child.stdout

        def lines(text: str, budget: int) -> Sequence[int]:
            ask.write(json.dumps({"text": text, "budget": budget}) + "\n")
            ask.flush()
            return [int(number) for number in json.loads(answer.readline())]

        yield lines


def report(measured: Measured) -> str:
    rows = [
        "| set | logs | lines | extractor | any | head | full | spans |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (name, budget, extractor), tally in sorted(measured.tallies.items()):
        rows.append(f"| {name} | {tally.logs} | {budget} | {extractor} | {tally} |")
    speed = [
        f"- {name}: {seconds / measured.megabytes:.3f} s per MB" for name, seconds in sorted(measured.seconds.items())
    ]
    return "\n".join(
        [
            *rows,
            "",
            f"Processor time over {measured.megabytes:.0f} MB:",
            "",
            *speed,
            "",
            f"Redaction, with no secret planted, alters {measured.altered} of {measured.lines:,} lines, "
            f"{measured.altered_labelled} of them labelled as the cause.",
        ]
    )


def main() -> int:
    where = folder()
    if not (where / "index.json").is_file():
        print(f"Skipped: no labelled logs in {where.name}/. WHALERAY_DIAGNOSIS_LOGS names their folder.")
        return 0
    python = os.environ.get("WHALERAY_LOGDETECTIVE_PYTHON")
    if not python:
        print("No logdetective column: WHALERAY_LOGDETECTIVE_PYTHON names no interpreter that has it.")
    with logdetective(python) as theirs:
        text = report(measure(logs(where), theirs))
    print(text)
    result = RESULTS / "diagnosis.md"
    kept = result.read_text().partition("\n<!-- measured -->\n")[0] if result.exists() else "# Diagnosis, measured\n"
    RESULTS.mkdir(exist_ok=True)
    result.write_text(f"{kept}\n<!-- measured -->\n\n{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
