"""Claude on Bedrock as an analyst: a part of the log in, an answer of a fixed shape out."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import anyio
import structlog
from pydantic import ValidationError

from bot import metrics
from bot.errors import OurError, Outage, SettingsError, WhaleRayError
from bot.model import Diagnosis
from bot.ports import Extract
from bot.render.words import plain
from infra.aws.answer import ISSUES, TOOL, Answer, tool
from infra.aws.client import Client, Refused, Response, code_of
from infra.aws.prices import cost_usd

log = structlog.get_logger(__name__)

DEFAULT_MODEL = "global.anthropic.claude-haiku-5-5"
"""The successor of the Claude 3 Haiku that WhaleRay began with, by the inference profile that works in every region."""
TIMEOUT_S = 10.0
"""For the whole answer, second tries included."""
MOST_TOKENS = 2_000
"""Of the answer."""
REMEMBERED = 256
"""Answers kept in this process: the same log is not paid for twice."""
FILES = 100
LONGEST_LINE = 1_000
Language = Literal["en", "ko"]

_TRUNCATED = frozenset({"max_tokens", "model_context_window_exceeded"})
_REFUSED = frozenset({"refusal", "content_filtered", "guardrail_intervened"})


@dataclass(frozen=True)
class _Manner:
    """How the model is asked. Some refuse to be made to call a tool, some to be kept from thinking."""

    forced: bool = True
    thinking_off: bool = True

    def milder(self, complaint: str) -> _Manner | None:
        """What to try after a ValidationException; None when there is nothing left to give in on."""
        about_thinking = "thinking" in complaint.lower() and "tool" not in complaint.lower()
        if self.thinking_off and (about_thinking or not self.forced):
            return _Manner(self.forced, thinking_off=False)
        return _Manner(False, self.thinking_off) if self.forced else None


class BedrockAnalyst:
    """Implements `bot.ports.Analyst`. Raises Outage, OurError or SettingsError whose `what` is fit for the check's
    footer; `why` may name accounts and roles."""

    def __init__(self, bedrock: Client, model: str = DEFAULT_MODEL, language: Language = "en") -> None:
        self._bedrock = bedrock
        self._model = model
        self._language = language
        self._manner = _Manner()
        self._known: OrderedDict[str, Diagnosis] = OrderedDict()

    budget_tokens = 3000

    async def diagnose(self, extract: Extract, files: Sequence[str]) -> Diagnosis:
        named = _named(extract, files)
        key = hashlib.sha256(extract.model_dump_json().encode() + "\0".join(named).encode()).hexdigest()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        answer = await self._ask(extract, named)
        self._known[key] = answer.model_copy(update={"cost_usd": 0.0})  # paid for already
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return answer

    async def _ask(self, extract: Extract, files: Sequence[str]) -> Diagnosis:
        outcome = "failed"
        try:
            with anyio.fail_after(TIMEOUT_S):
                response = await self._converse(_request(extract, files, self._language))
            cost = self._count(response)
            diagnosis = _answer(response).diagnosis(self._model, cost, extract.total)
            outcome = diagnosis.status
        except TimeoutError:
            outcome = "timeout"
            raise Outage(f"Claude did not answer within {TIMEOUT_S:.0f} s.") from None
        except WhaleRayError as error:
            outcome = type(error).__name__.lower()
            raise
        finally:
            metrics.DIAGNOSES.labels(self._model, outcome).inc()
        return diagnosis

    async def _converse(self, request: dict[str, Any]) -> Response:
        while True:
            manner = self._manner
            try:
                return await self._bedrock("converse", modelId=self._model, **_in_manner(request, manner))
            except WhaleRayError as error:
                code = code_of(error)
                milder = manner.milder(error.why) if code == "ValidationException" else None
                if milder is None:
                    log.warning("Bedrock refused", model=self._model, error=str(error))
                    raise _told(self._model, code, error) from error
                self._manner = milder

    def _count(self, response: Response) -> float:
        usage = response.get("usage", {})
        read, written = int(usage.get("inputTokens", 0)), int(usage.get("outputTokens", 0))
        cost = cost_usd(self._model, read, written)
        metrics.DIAGNOSIS_TOKENS.labels(self._model, "read").inc(read)
        metrics.DIAGNOSIS_TOKENS.labels(self._model, "written").inc(written)
        metrics.DIAGNOSIS_COST.labels(self._model).inc(cost)
        log.info("diagnosed", model=self._model, read=read, written=written, cost_usd=round(cost, 6))
        return cost


def _named(extract: Extract, files: Sequence[str]) -> list[str]:
    """The files that the log speaks of, by name or by class: a repository has thousands."""
    text = "\n".join(line for _, line in extract.lines)
    found = [path for path in files if (name := PurePosixPath(path)).name in text or _is_class(name, text)]
    return found[:FILES]


def _is_class(path: PurePosixPath, text: str) -> bool:
    return path.suffix in (".java", ".kt") and path.stem in text


def _request(extract: Extract, files: Sequence[str], language: Language) -> dict[str, Any]:
    mark = secrets.token_hex(12)  # the log can't hold what is made up after it
    lines = [f"{number}| {' '.join(line[:LONGEST_LINE].splitlines())}" for number, line in extract.lines]
    named = [f"file: {' '.join(path.split())}" for path in files]
    data = "\n".join([f"begin {mark}", *lines, *named, f"end {mark}"])
    persona = plain("diagnosis/persona", mark=mark, tool=TOOL, issues=ISSUES, language=language)
    return {
        "system": [{"text": persona}],
        "messages": [{"role": "user", "content": [{"text": data}]}],
        "inferenceConfig": {"maxTokens": MOST_TOKENS},
    }


def _in_manner(request: dict[str, Any], manner: _Manner) -> dict[str, Any]:
    choice: dict[str, Any] = {"tool": {"name": TOOL}} if manner.forced else {"auto": {}}
    made = {**request, "toolConfig": {"tools": [tool()], "toolChoice": choice}}
    if manner.thinking_off:
        made["additionalModelRequestFields"] = {"thinking": {"type": "disabled"}}
    return made


def _answer(response: Response) -> Answer:
    reason = str(response.get("stopReason", ""))
    if reason in _TRUNCATED:
        raise OurError("Claude's answer was cut off.", f"It stopped for {reason}.")
    if reason in _REFUSED:
        raise OurError("Claude declined to answer.", f"It stopped for {reason}.")
    blocks = response.get("output", {}).get("message", {}).get("content", [])
    given = [block["toolUse"]["input"] for block in blocks if block.get("toolUse", {}).get("name") == TOOL]
    if not given:
        raise OurError("Claude's answer was not in the form that was asked for.", f"It stopped for {reason}.")
    try:
        return Answer.model_validate(given[0])
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        raise OurError("Claude's answer was not in the form that was asked for.", f"Wrong are: {fields}.") from error


def _told(model: str, code: str, error: WhaleRayError) -> WhaleRayError:
    """In words for the check's footer: what AWS says names accounts and roles."""
    match code:
        case "ThrottlingException" | "TooManyRequestsException" | "ServiceQuotaExceededException":
            return Outage("Claude has no room for more questions now.", str(error))
        case "AccessDeniedException":
            mend = "Allow bedrock:InvokeModel on it, and accept the model's terms in Bedrock's console."
            return SettingsError(f"WhaleRay has no access to the model {model}.", str(error), mend)
        case "ResourceNotFoundException":
            mend = "Set WHALERAY_BEDROCK_MODEL_ID to a current model or inference profile of this region."
            return SettingsError(
                f"The model {model} has reached its end of life or is not in this region.", str(error), mend
            )
    match error:
        case Outage():
            return Outage("Claude can't be reached now.", str(error))
        case SettingsError():
            return SettingsError("Claude is not set up.", str(error), error.mend)
        case Refused():
            return OurError(f"The model {model} refused the question.", str(error))
    return OurError("Claude could not be asked.", str(error))
