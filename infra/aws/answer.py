"""The shape of a model's answer: what it is asked to fill in, and what is taken of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.model import Diagnosis, Evidence, Finding

TOOL = "report_diagnosis"
ISSUES = 5
_SHORT, _LONG = 300, 2_000
_EVIDENCE = 6
_RECOMMENDATIONS = 5


def _cut(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: value[:most] if isinstance(value, str) else value)


def _first(most: int) -> BeforeValidator:
    """A model that lists more than it was asked for has said the most important first."""
    return BeforeValidator(lambda value: value[:most] if isinstance(value, list) else value)


def _absent(value: object) -> object:
    """Models write "none" where they were told to leave out."""
    return None if value in ("", "none", "null", "N/A", 0) else value


Short = Annotated[str, _cut(_SHORT)]
Long = Annotated[str, _cut(_LONG)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Quoted(_Part):
    line: int = Field(description="Number of the line in the log")
    quote: Long = Field(description="The line, or the part of it that matters, character by character")


class Issue(_Part):
    severity: Literal["error", "warning"] = "error"
    title: Short = Field(description="What broke, in a few words")
    cause: Long = Field(default="", description="Why, in one or two sentences")
    file: Annotated[Short | None, BeforeValidator(_absent)] = Field(
        default=None, description="One of the listed files, if the cause is in it"
    )
    line: Annotated[int | None, BeforeValidator(_absent)] = Field(
        default=None, ge=1, description="Line of that file, if the log names it"
    )
    evidence: Annotated[tuple[Quoted, ...], _first(_EVIDENCE)] = Field(description="The log lines that this rests on")
    fix: Long = Field(default="", description="What to change, exactly")


class Answer(_Part):
    status: Literal["diagnosed", "unrecognised"]
    summary: Short = Field(description="The cause in one sentence")
    issues: Annotated[tuple[Issue, ...], _first(ISSUES)]
    recommendations: Annotated[tuple[Short, ...], _first(_RECOMMENDATIONS)] = ()
    confidence: Literal["high", "medium", "low"] = "low"

    def diagnosis(self, by: str, cost_usd: float, log_lines: int) -> Diagnosis:
        """Not held against the log yet: `bot.diagnosis.validate` does that."""
        return Diagnosis(
            status=self.status,
            summary=self.summary,
            issues=tuple(
                Finding(
                    severity=issue.severity,
                    title=issue.title,
                    cause=issue.cause,
                    file=issue.file,
                    line=issue.line,
                    evidence=tuple(Evidence(line=each.line, quote=each.quote) for each in issue.evidence),
                    fix=issue.fix,
                    verified=False,
                )
                for issue in self.issues
            ),
            recommendations=self.recommendations,
            confidence=self.confidence,
            by=by,
            log_lines=log_lines,
            cost_usd=cost_usd,
        )


def tool() -> dict[str, Any]:
    """Converse's description of it. Not `strict`: a grammar of one's own may take minutes to be compiled."""
    return {
        "toolSpec": {
            "name": TOOL,
            "description": "Report why the build or the start of the application failed.",
            "inputSchema": {"json": _plain(Answer.model_json_schema())},
        }
    }


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Without references and titles: models read a schema from top to bottom."""
    parts = schema.get("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolved(parts[value["$ref"].rsplit("/", 1)[1]])
            return {
                key: {name: resolved(each) for name, each in inner.items()} if key == "properties" else resolved(inner)
                for key, inner in value.items()
                if key not in ("$defs", "title")
            }
        return [resolved(each) for each in value] if isinstance(value, list) else value

    made: dict[str, Any] = resolved(schema)
    return made
