"""From a failed log to a diagnosis that a reader can check."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from anyio.to_thread import run_sync

from bot.diagnosis.extract import ranked
from bot.diagnosis.reading import Reading, read
from bot.diagnosis.redact import redacted
from bot.diagnosis.validate import validate
from bot.errors import WhaleRayError
from bot.model import Diagnosis, Evidence
from bot.ports import Analyst, Extract

ANALYSED = 200
"""Lines that an analyst is given at most."""
TOKENS = 3000
CLOSEST = 20
"""Lines shown to the reader as those closest to the cause."""
CHARACTERS_PER_TOKEN = 3
"""Of log text, on the safe side: prose has four, paths and hashes under three."""


def make_extract(
    text: str, *, budget_lines: int = ANALYSED, budget_tokens: int = TOKENS, secrets: Collection[str] = ()
) -> Extract:
    """The lines that carry the cause, redacted, numbered as in `text`; the whole log when it fits both budgets."""
    return _extract(_reading(text, secrets), budget_lines, budget_tokens)


def _reading(text: str, secrets: Collection[str]) -> Reading:
    return read(redacted(text.split("\n"), secrets))


def _extract(reading: Reading, budget_lines: int, budget_tokens: int) -> Extract:
    shown = {line.number: line.text for line in reading.lines}
    whole = reading.total <= budget_lines and sum(map(_tokens, shown.values())) <= budget_tokens
    numbers = list(shown) if whole else _affordable(reading, shown, min(budget_lines, reading.total - 1), budget_tokens)
    return Extract(lines=tuple((number, shown[number]) for number in numbers), total=reading.total, whole=whole)


def _affordable(reading: Reading, shown: Mapping[int, str], budget_lines: int, budget_tokens: int) -> list[int]:
    numbers: list[int] = []
    left = budget_tokens
    for number in ranked(reading, budget_lines):
        cost = _tokens(shown[number])
        if cost <= left:
            left -= cost
            numbers.append(number)
    return sorted(numbers)


def _tokens(line: str) -> int:
    return 3 + -(-len(line) // CHARACTERS_PER_TOKEN)


def _read_and_extract(text: str, secrets: Collection[str]) -> tuple[Extract, Extract]:
    """For the analyst, and for the reader."""
    reading = _reading(text, secrets)
    return _extract(reading, ANALYSED, TOKENS), _extract(reading, CLOSEST, TOKENS)


async def diagnose(text: str, analyst: Analyst, files: Sequence[str], secrets: Collection[str] = ()) -> Diagnosis:
    """Why the log's run failed. Never raises for the analyst's sake: without its answer the cause is `unrecognised`,
    and the reader still gets the lines closest to it."""
    began = time.monotonic()
    extract, closest = await run_sync(_read_and_extract, text, secrets)
    try:
        answer = await analyst.diagnose(extract, files)
    except WhaleRayError as error:
        answer = Diagnosis(status="unrecognised", note=str(error))
    return validate(answer, extract, files).model_copy(
        update={
            "log_lines": extract.total,
            "took_s": round(time.monotonic() - began, 3),
            "extract": tuple(Evidence(line=number, quote=line) for number, line in closest.lines),
        }
    )
