"""An analyst that may fail, with another behind it that doesn't."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.errors import WhaleRayError
from bot.model import Diagnosis
from bot.ports import Analyst, Extract

log = structlog.get_logger(__name__)


class FallbackAnalyst:
    """Implements `bot.ports.Analyst`: `first`'s answer; `then`'s where `first` fails or finds no cause, with a `note`
    that says why. Only `WhaleRayError.what` of a failure is told to the reader: the rest may be for the operator."""

    def __init__(self, first: Analyst, then: Analyst) -> None:
        self._first = first
        self._then = then
        self.budget_tokens = first.budget_tokens

    async def diagnose(self, extract: Extract, files: Sequence[str]) -> Diagnosis:
        try:
            answer = await self._first.diagnose(extract, files)
        except WhaleRayError as error:
            log.warning("the analyst gave no answer", error=str(error))
            other = await self._then.diagnose(extract, files)
            return other.model_copy(update={"note": error.what})
        if answer.status == "diagnosed":
            return answer
        other = await self._then.diagnose(extract, files)
        return other if other.status == "diagnosed" else answer
