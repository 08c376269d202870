"""From a failed log to a diagnosis that a reader can check."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from anyio.to_thread import run_sync

from bot.diagnosis.extract import choose
from bot.diagnosis.reading import read
from bot.diagnosis.redact import redact
from bot.diagnosis.validate import validate
from bot.errors import WhaleRayError
from bot.model import Diagnosis, Evidence
from bot.ports import Analyst, Extract

CLOSEST = 20
"""Lines shown to the reader as those closest to the cause."""
CHARACTERS_PER_TOKEN = 3
"""Of log text, on the safe side: prose has four, paths and hashes under three."""


def make_extract(
    text: str, *, budget_lines: int = 200, budget_tokens: int = 3000, secrets: Collection[str] = ()
) -> Extract:
    """The lines that carry the cause, redacted, numbered as in `text`; the whole log when it fits both budgets."""
    text = redact(text, secrets)
    reading = read(text.split("\n"))
    shown = {line.number: line.text for line in reading.lines}
    budget = min(budget_lines, reading.total)
    numbers = choose(reading, budget)
    while budget > 1 and sum(_tokens(shown[number]) for number in numbers) > budget_tokens:
        budget = max(1, budget * 9 // 10)
        numbers = choose(reading, budget)
    return Extract(
        lines=tuple((number, shown[number]) for number in numbers),
        total=reading.total,
        whole=len(numbers) == reading.total,
    )


def _tokens(line: str) -> int:
    return 3 + -(-len(line) // CHARACTERS_PER_TOKEN)


async def diagnose(text: str, analyst: Analyst, files: Sequence[str], secrets: Collection[str] = ()) -> Diagnosis:
    """Why the log's run failed. Never raises for the analyst's sake: without its answer the cause is `unrecognised`,
    and the reader still gets the lines closest to it."""
    began = time.monotonic()
    extract = await run_sync(lambda: make_extract(text, secrets=secrets))
    closest = await run_sync(lambda: make_extract(text, budget_lines=CLOSEST, secrets=secrets))
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
