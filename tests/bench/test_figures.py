"""The arithmetic of the benches; no figure of a bench is asserted anywhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Compared, Spread, exponent, growth, in_turns, percentile

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 5), (0.51, 6), (0.99, 10), (1, 10)])
def test_a_percentile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert percentile([*range(10, 0, -1)], share) == value


@given(values=VALUES, share=st.floats(0, 1))
def test_so_many_values_do_not_exceed_a_percentile(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) <= share * len(values)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="0 values"):
        percentile([], 0.5)


def test_seconds_are_told_as_milliseconds() -> None:
    assert Spread.of([0.001, 0.002, 0.004]).row("what") == "| what | 3 | 2.0 | 4.0 | 4.0 | 4.0 |"


def test_a_ratio_is_one_of_medians() -> None:
    compared = Compared(ours=(1.0, 30.0, 2.0), theirs=(4.0, 5.0, 0.1))
    assert compared.medians(lambda run: run) == (2.0, 4.0)
    assert compared.ratio(lambda run: run) == 0.5


def test_whoever_begins_changes_from_turn_to_turn() -> None:
    order: list[str] = []
    compared = in_turns(lambda: order.append("ours"), lambda: order.append("theirs"), runs=3)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert (len(compared.ours), len(compared.theirs)) == (3, 3)


def test_growth_is_a_share_of_what_was_there() -> None:
    assert growth(200, 210) == pytest.approx(0.05)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_an_exponent_tells_linear_from_worse(power: int) -> None:
    sizes = [100, 1000, 10000]
    assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)
    assert not math.isnan(exponent(sizes, [1.0, 2.0, 3.0]))


def test_one_size_tells_nothing_of_growth() -> None:
    with pytest.raises(ValueError, match="1 sizes"):
        exponent([1], [1])
