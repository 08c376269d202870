"""What a rule says when it has recognised a failure, in the language that the process speaks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from bot.diagnosis.known import Rule, Template
from bot.language import spoken


class Wording(BaseModel):
    """Templates over the rule's groups, as in `Rule`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Template
    cause: Template
    fix: Template


@cache
def korean() -> Mapping[str, Wording]:
    """By the rule's name. Raises pydantic's ValidationError for a file of another shape."""
    text = resources.files("bot.diagnosis").joinpath("known_failures.ko.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Wording]).validate_python(yaml.safe_load(text))


def wording(rule: Rule) -> Wording | Rule:
    """English where nobody has translated the rule yet."""
    return korean().get(rule.name, rule) if spoken() == "ko" else rule
