"""From a failed log to a diagnosis that a reader can check."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from anyio.to_thread import run_sync

from bot.diagnosis.extract import Choice
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
    choice = Choice(reading)
    affordable = _most(lambda lines: _cost(shown, choice.of(lines)) <= budget_tokens, min(budget_lines, reading.total))
    numbers = choice.of(affordable)
    return Extract(
        lines=tuple((number, shown[number]) for number in numbers),
        total=reading.total,
        whole=len(numbers) == reading.total,
    )


def _most(fits: Callable[[int], bool], most: int) -> int:
    """The largest number, 1 to `most`, that fits: what is chosen costs more the more lines there are."""
    if fits(most):
        return most
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _cost(shown: Mapping[int, str], numbers: Sequence[int]) -> int:
    return sum(_tokens(shown[number]) for number in numbers)


def _tokens(line: str) -> int:
    return 3 + -(-len(line) // CHARACTERS_PER_TOKEN)


def _read_and_extract(text: str, secrets: Collection[str], budget_tokens: int | None) -> tuple[Extract, Extract]:
    """For the analyst, and for the reader."""
    reading = _reading(text, secrets)
    return _extract(reading, ANALYSED, budget_tokens or sys.maxsize), _extract(reading, CLOSEST, TOKENS)


async def diagnose(text: str, analyst: Analyst, files: Sequence[str], secrets: Collection[str] = ()) -> Diagnosis:
    """Why the log's run failed. Never raises for the analyst's sake: without its answer the cause is `unrecognised`,
    and the reader still gets the lines closest to it."""
    began = time.monotonic()
    extract, closest = await run_sync(_read_and_extract, text, secrets, analyst.budget_tokens)
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
