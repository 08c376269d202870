"""Each known failure is recognised in the log that it was seen in, and nothing is recognised elsewhere."""

from __future__ import annotations

import time
from functools import cache

import pytest
from pydantic import ValidationError

from bot.diagnosis import diagnose
from bot.diagnosis.known import KnownFailures, Rule, known_failures
from bot.diagnosis.linear import objection
from bot.diagnosis.rules import RulesAnalyst
from bot.diagnosis.rules import diagnose as by_rules
from bot.model import Diagnosis
from bot.ports import Extract
from tests.diagnosis.failures.examples import Example, examples
from tests.diagnosis.failures.make import log_path
from tests.diagnosis.failures.recipes import ALL

KNOWN = [example for example in examples() if example.recipe.rule]
UNKNOWN = [example for example in examples() if not example.recipe.rule]
JAVAC = "/workspace/source/src/main/java/com/acme/Shop.java:[24,16] cannot find symbol"


def of(*lines: str) -> Extract:
    return Extract(lines=tuple(enumerate(lines, 1)), total=len(lines), whole=True)


@cache
def diagnosed(example: Example) -> Diagnosis:
    return by_rules(example.whole(), list(example.recipe.files))


@pytest.mark.parametrize("example", KNOWN, ids=lambda example: example.recipe.id)
def test_a_known_failure_is_diagnosed_by_its_rule_where_a_reader_found_it(example: Example) -> None:
    diagnosis = diagnosed(example)
    assert (diagnosis.status, diagnosis.by) == ("diagnosed", f"rule {example.recipe.rule}")
    first = diagnosis.issues[0]
    assert (first.title, first.file, first.line) == (example.title, example.file, example.line)
    assert first.fix
    assert diagnosis.summary == first.cause
    assert any(example.labelled(evidence.line) for evidence in first.evidence)
    lines = dict(example.whole().lines)
    assert all(lines[evidence.line] == evidence.quote for issue in diagnosis.issues for evidence in issue.evidence)


@pytest.mark.parametrize("example", KNOWN, ids=lambda example: example.recipe.id)
def test_no_other_cause_is_named_beside_it(example: Example) -> None:
    diagnosis = diagnosed(example)
    assert [issue.title for issue in diagnosis.issues] == [example.title, *example.also]


@pytest.mark.parametrize("example", UNKNOWN, ids=lambda example: example.recipe.id)
def test_what_no_rule_knows_is_unrecognised_and_gets_no_advice(example: Example) -> None:
    diagnosis = diagnosed(example)
    assert (diagnosis.status, diagnosis.issues, diagnosis.recommendations) == ("unrecognised", (), ())
    assert diagnosis.by == ""


def test_every_rule_has_an_example_and_every_example_a_log_and_a_label() -> None:
    assert {example.recipe.rule for example in KNOWN} == {rule.name for rule in known_failures()}
    assert sorted(example.recipe.id for example in examples()) == sorted(recipe.id for recipe in ALL)
    assert {path.name for path in log_path(ALL[0]).parent.iterdir()} == {log_path(recipe).name for recipe in ALL}


async def test_the_whole_way_from_log_to_diagnosis_keeps_the_evidence() -> None:
    example = next(example for example in KNOWN if example.recipe.id == "spring-missing-bean")
    diagnosis = await diagnose(example.log, RulesAnalyst(), list(example.recipe.files))
    assert (diagnosis.by, diagnosis.confidence) == ("rule spring-missing-bean", "high")
    assert diagnosis.issues[0].verified


def test_compile_errors_are_told_in_the_order_of_the_log_each_once() -> None:
    def error(name: str) -> tuple[str, str]:
        return f"[ERROR] /w/source/src/{name}.java:[3,5] cannot find symbol", "[ERROR]   symbol:   class Price"

    twice = [*error("B"), *error("A"), "[INFO] BUILD FAILURE", *error("B"), *error("A")]
    diagnosis = by_rules(of(*twice), ["src/A.java", "src/B.java"])
    assert [(issue.file, issue.line, issue.column) for issue in diagnosis.issues] == [
        ("src/B.java", 3, 5),
        ("src/A.java", 3, 5),
    ]


def test_at_most_ten_findings_are_told() -> None:
    lines = [line for n in range(30) for line in (f"/w/A.java:[{n + 1},5] cannot find symbol", "  symbol: class Price")]
    assert len(by_rules(of(*lines), []).issues) == 10


def test_a_missing_package_explains_missing_symbols_in_its_file_only() -> None:
    lines = (
        "/w/source/src/A.java:[3,8] package org.acme does not exist",
        *("/w/source/src/A.java:[9,8] cannot find symbol", "  symbol: class Money"),
        *("/w/source/src/B.java:[9,8] cannot find symbol", "  symbol: class Cash"),
    )
    titles = [issue.title for issue in by_rules(of(*lines), []).issues]
    assert titles == ["package org.acme does not exist", "cannot find symbol Cash"]


def test_javac_of_gradle_names_no_column() -> None:
    lines = (
        "/w/source/app/src/A.java:7: error: cannot find symbol",
        "  return Price.of(1);",
        "  symbol:   variable Price",
    )
    issue = by_rules(of(*lines), ["app/src/A.java"]).issues[0]
    assert (issue.file, issue.line, issue.column) == ("app/src/A.java", 7, None)


def test_a_place_outside_the_repository_is_no_place() -> None:
    issue = by_rules(of(JAVAC, "  symbol: class Price"), ["src/main/java/com/other/Shop.java"]).issues[0]
    assert (issue.file, issue.line, issue.column) == (None, None, None)


def test_a_file_that_two_modules_could_mean_is_not_guessed() -> None:
    files = ["web/src/main/java/com/acme/Shop.java", "api/src/main/java/com/acme/Shop.java"]
    assert by_rules(of(JAVAC, "  symbol: class Price"), files).issues[0].file is None


def test_a_backtick_in_the_log_ends_no_code_span() -> None:
    issue = by_rules(of(JAVAC, "  symbol: class `Price`"), []).issues[0]
    assert "'Price'" in issue.title


def test_no_line_makes_a_rule_slow() -> None:
    """One line of a megabyte takes no longer than what is looked at of it, whatever it holds."""
    nasty = ["A.java:[1,1]", "a.", "' '", "((((", "- : ", "[ERROR] ", "Caused by: ", "required a bean of type '", "x/"]
    began = time.process_time()
    for part in nasty:
        by_rules(of(part * (1_000_000 // len(part)), "  symbol: class " + part * 100_000), [])
    assert time.process_time() - began < 2


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(?:a|b+)*c", "^.*a.*b", r"^\w+\.?\w+x", "^.+?: .+?: "])
def test_a_pattern_that_may_be_slow_is_refused(pattern: str) -> None:
    assert objection(pattern)


@pytest.mark.parametrize(
    "pattern", ["^a+b", "^'[^']+' and '[^']+'", r"^.*a[^\]]+\]", "^(?:a|b)+c", r"^\d{1,7},\d{1,7} .+$"]
)
def test_a_pattern_whose_repeats_end_themselves_is_taken(pattern: str) -> None:
    assert not objection(pattern)


RULE = {"name": "x", "log": "build", "match": "^boom (?P<what>.+)$", "title": "{{ what }}", "cause": "c", "fix": "f"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"match": "boom"}, "doesn't start with"),
        ({"match": "^(x+)+$"}, "slow"),
        ({"title": "{{ who }}"}, "no pattern of the rule captures"),
        ({"title": "{{ what"}, "is no template"),
        ({"near": [{"match": "^x"}]}, "say `after` or `before`"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_wrong_entry_of_the_data_file_is_refused_with_the_reason(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Rule.model_validate(RULE | change)


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="two rules of one name: x"):
        KnownFailures.model_validate({"failures": [RULE, RULE]})
