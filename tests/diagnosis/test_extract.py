"""The lines that carry the cause, found among many that don't."""

from itertools import chain, count, islice, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis import extract
from bot.diagnosis.extract import choose, extract_lines
from bot.diagnosis.reading import KEPT, Reading, read
from tests.diagnosis.test_units import GRADLE, JAVAC, MAVEN, PYTHON, TEST, TRACE

SPRING = """\
***************************
APPLICATION FAILED TO START
***************************

Description:

Web server failed to start. Port 8080 was already in use.

Action:

Identify and stop the process that's listening on port 8080."""


def noise(lines: int, begin: int = 0) -> list[str]:
    kinds = (
        "[INFO] Downloading from central: https://repo.maven.apache.org/maven2/org/acme/a{n}/1.0/a{n}-1.0.jar",
        "[INFO] Downloaded from central: a{n} (12 kB at 345 kB/s)",
        "2024-05-01T10:11:12.{n:03d}Z  INFO 1 --- [main] com.acme.Loader{n} : Loaded {n} beans",
        "> Task :compile{n} UP-TO-DATE",
        "START RequestId: 0000-{n} Version: $LATEST",
        "Get:{n} http://archive.ubuntu.com/ubuntu jammy/main amd64 lib{n} all 1.{n} [12 kB]",
    )
    return [kinds[n % len(kinds)].format(n=n) for n in range(begin, begin + lines)]


@pytest.mark.parametrize("cause", [TRACE, JAVAC, MAVEN, GRADLE, PYTHON, TEST, SPRING])
@pytest.mark.parametrize("after", [5, 400])
def test_a_cause_is_found_whole_at_fifty_lines(cause: str, after: int) -> None:
    before, block = noise(700), cause.split("\n")
    numbers = extract("\n".join([*before, *block, *noise(after, 1000)]), 50)
    told = {n for n, line in enumerate(block, len(before) + 1) if line.strip()}
    assert told <= set(numbers)


def test_the_one_compiler_error_is_not_crowded_out_by_a_hundred_failed_tests() -> None:
    tests = list(chain.from_iterable((f"FAIL test number {n}", f"  expected {n} but was {n + 1}") for n in range(100)))
    lines = [*noise(200), "src/a.c:3:5: error: unknown type name 'foo'", *noise(20), *tests, *noise(100)]
    assert 201 in extract("\n".join(lines), 50)


def test_a_log_within_the_budget_goes_whole() -> None:
    assert extract("a\n\nb", 3) == [1, 2, 3]
    assert extract("", 50) == [1]


def test_no_budget_no_lines() -> None:
    assert extract("error: a\nb", 0) == []


def test_a_log_that_says_nothing_gives_its_last_lines() -> None:
    assert extract("\n".join(["quiet"] * 500), 10)[-1] == 500


@given(
    st.lists(st.sampled_from([*noise(6), "", "error: a", "FAILED b", *TRACE.split("\n")]), max_size=120),
    st.integers(-1, 60),
)
def test_the_contract_holds_for_any_log(lines: list[str], budget: int) -> None:
    numbers = extract("\n".join(lines), budget)
    total = max(1, len(lines))
    assert numbers == sorted(set(numbers))
    assert len(numbers) == min(max(0, budget), total)
    assert all(1 <= number <= total for number in numbers)


@given(st.text(max_size=400), st.integers(1, 8))
def test_any_text_is_taken(text: str, budget: int) -> None:
    assert len(extract(text, budget)) <= budget


def test_a_log_without_end_is_read_in_bounded_memory() -> None:
    reading = Reading()
    endless = (f"line {n} of error {n % 7}" for n in count())
    for line in islice(endless, 3 * KEPT):
        reading.add(line)
        assert len(reading.lines) <= 2 * KEPT
    assert reading.total == 3 * KEPT


def test_what_was_thinned_out_leaves_the_cause_and_the_numbers() -> None:
    cause = KEPT // 2
    lines = chain(repeat("all is quiet", cause), TRACE.split("\n"), repeat("all is quiet", 3 * KEPT))
    numbers = extract_lines(lines, 50)
    assert set(range(cause + 1, cause + 7)) <= set(numbers)


def test_the_end_of_the_failed_command_is_among_the_lines() -> None:
    lines = [*noise(300), "error: broken", *noise(5), 'The command "make" exited with 2.', *noise(300)]
    assert {301, 307} <= set(extract("\n".join(lines), 20))


def test_choosing_twice_from_one_reading_is_the_same() -> None:
    reading = read([*noise(300), *TRACE.split("\n"), *noise(50)])
    assert choose(reading, 20) == choose(reading, 20)
    assert set(choose(reading, 10)) & set(range(301, 307))
