"""The rules' Korean: complete, over the same groups, and what is shown where Korean is spoken."""

from __future__ import annotations

import re

import pytest
from jinja2 import Environment, meta

from bot.diagnosis.known import Rule, known_failures
from bot.diagnosis.rules import diagnose
from bot.diagnosis.wording import korean, wording
from bot.model import Finding
from bot.ports import Extract
from tests.diagnosis.failures.examples import Example, examples
from tests.render.language import speaking

HANGUL = re.compile("[가-힣]")
RULES = {rule.name: rule for rule in known_failures()}
EXAMPLES = {example.recipe.id: example for example in examples() if example.recipe.rule}
FIELDS = ("title", "cause", "fix")


def names(template: str) -> set[str]:
    return meta.find_undeclared_variables(Environment().parse(template))  # noqa: S701 - only parsed


def test_every_rule_has_korean_and_no_korean_is_left_over() -> None:
    assert korean().keys() - RULES.keys() == set()
    assert RULES.keys() - korean().keys() == set()


@pytest.mark.parametrize("name", korean())
def test_korean_names_the_groups_that_english_names(name: str) -> None:
    rule, said = RULES[name], korean()[name]
    assert {f: names(getattr(said, f)) for f in FIELDS} == {f: names(getattr(rule, f)) for f in FIELDS}
    assert HANGUL.search(said.cause)
    assert HANGUL.search(said.fix)


def test_a_rule_without_korean_speaks_english() -> None:
    rule = RULES["disk-full"].model_copy(update={"name": "not-translated-yet"})
    with speaking("ko"):
        assert wording(rule) is rule
        assert isinstance(wording(RULES["disk-full"]), type(korean()["disk-full"]))
    assert isinstance(wording(RULES["disk-full"]), Rule)


def found(example: Example) -> tuple[Finding, ...]:
    lines = dict(example.whole().lines)
    around = {n for label in lines if example.labelled(label) for n in range(label - 60, label + 61)}
    part = Extract(lines=tuple((n, lines[n]) for n in sorted(around & lines.keys())), total=len(lines), whole=False)
    return diagnose(part, list(example.recipe.files)).issues


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_is_found_in_both_languages_and_said_in_one(name: str) -> None:
    english = found(EXAMPLES[name])
    with speaking("ko"):
        said = found(EXAMPLES[name])
    untold = dict.fromkeys(FIELDS, "")
    assert [issue.model_copy(update=untold) for issue in said] == [issue.model_copy(update=untold) for issue in english]
    for issue in said:
        assert HANGUL.search(issue.cause)
        assert HANGUL.search(issue.fix)
        assert "``" not in f"{issue.title} {issue.cause} {issue.fix}"
