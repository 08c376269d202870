"""The known failures of `known_failures.yaml`, checked when they are read."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal, Self

import yaml
from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, meta
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from bot.diagnosis.linear import objection

_TEMPLATES = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701  the renderer escapes
_CLOSEST, _FARTHEST = 1, 400
_PART = re.compile(r"<<(\w+)>>")


def _anchored(pattern: re.Pattern[str]) -> re.Pattern[str]:
    why = "it doesn't start with ^" if not pattern.pattern.startswith("^") else objection(pattern.pattern)
    if why:
        raise ValueError(f"the pattern {pattern.pattern!r} may become slow on a long line: {why}")
    return pattern


def _template(text: str) -> str:
    try:
        _TEMPLATES.parse(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"{text!r} is no template: {error.message}") from error
    return " ".join(text.split())


Pattern = Annotated[re.Pattern[str], AfterValidator(_anchored)]
Template = Annotated[str, AfterValidator(_template)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Nearby(_Strict):
    """A further line that tells the failure apart, or names more of it: the nearest that matches, at most `after`
    lines after the first line or `before` lines before it."""

    match: Pattern
    after: int = 0
    before: int = 0
    optional: bool = False

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if bool(self.after) == bool(self.before) or not _CLOSEST <= self.after + self.before <= _FARTHEST:
            raise ValueError(f"say `after` or `before`, {_CLOSEST} to {_FARTHEST} lines")
        return self


def _several(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Rule(_Strict):
    """One known failure. `title`, `cause`, `fix`, `file` and `type` are Jinja2 templates over the named groups of all
    its patterns; a group that took no part is ""."""

    name: str
    log: Literal["build", "app", "any"]
    """Which log says so; for the reader of the data file."""
    match: Annotated[tuple[Pattern, ...], BeforeValidator(_several)]
    """Any of these, on one line, from its start on; see `bot.diagnosis.rules.bare` for what is taken off before."""
    near: tuple[Nearby, ...] = ()
    title: Template
    """Short: it stands in a check's title."""
    cause: Template
    """One sentence: what is wrong."""
    fix: Template
    """What to do, exactly."""
    file: Template = "{{ file }}"
    """The path of the file to look at; a bare name means the only file of that name."""
    type: Template = ""
    """Instead of `file`: the class whose source is to be looked at."""
    severity: Literal["error", "warning"] = "error"
    confidence: Literal["high", "medium", "low"] = "high"
    explains: tuple[str, ...] = ()
    """Names of rules (`spring-*`) whose failures follow from this one: they are not reported beside it."""
    weak: bool = False
    """Only reported where no other rule matched."""

    @property
    def groups(self) -> frozenset[str]:
        patterns = (*self.match, *(near.match for near in self.near))
        return frozenset(name for pattern in patterns for name in pattern.groupindex)

    @model_validator(mode="after")
    def _names_its_groups(self) -> Self:
        given = self.groups | {"file", "line", "column"}
        for text in (self.title, self.cause, self.fix, self.file, self.type):
            missing = meta.find_undeclared_variables(_TEMPLATES.parse(text)) - given
            if missing:
                raise ValueError(f"{text!r} names {', '.join(sorted(missing))}, which no pattern of the rule captures")
        return self

    def render(self, text: str, values: dict[str, str]) -> str:
        return str(_compiled(text).render(values)).strip()


@cache
def _compiled(text: str) -> Any:
    return _TEMPLATES.from_string(text)


class KnownFailures(_Strict):
    """The data file. `<<name>>` in a pattern stands for that one of `parts`."""

    parts: dict[str, str] = {}
    failures: tuple[Rule, ...]

    @model_validator(mode="before")
    @classmethod
    def _put_parts_in(cls, data: Any) -> Any:
        parts = data.get("parts", {})

        def filled(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: filled(each) for key, each in value.items()}
            if isinstance(value, list):
                return [filled(each) for each in value]
            return _PART.sub(lambda part: parts[part[1]], value) if isinstance(value, str) else value

        return {**data, "failures": filled(data["failures"])}

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [rule.name for rule in self.failures]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two rules of one name: {', '.join(sorted(twice))}")
        return self


@cache
def known_failures() -> tuple[Rule, ...]:
    """All rules, in the order of the file. Raises pydantic's ValidationError for a file that breaks the rules above."""
    text = resources.files("bot.diagnosis").joinpath("known_failures.yaml").read_text(encoding="utf-8")
    return KnownFailures.model_validate(yaml.safe_load(text)).failures
