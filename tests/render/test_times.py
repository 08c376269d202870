"""Times as people read them."""

from __future__ import annotations

import pytest

from bot.render import times


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0.0 s"),
        (0.42, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "0:10"),
        (42.9, "0:43"),
        (118.3, "1:58"),
        (3723.0, "1:02:03"),
        (86_400.0, "24:00:00"),
        (-1.0, "0.0 s"),
    ],
)
def test_what_ended_took(seconds: float, said: str) -> None:
    assert times.took(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0:00"), (4.9, "0:04"), (42.6, "0:42"), (-3.0, "0:00")])
def test_what_goes_on_counts_whole_seconds(seconds: float, said: str) -> None:
    assert times.running(seconds) == said


def test_a_clock_is_utc() -> None:
    assert times.clock(1_793_571_245.0) == "22:14:05"


@pytest.mark.parametrize(
    ("seconds", "largest"),
    [(-5, (0, "minute")), (59, (0, "minute")), (60, (1, "minute")), (7_300, (2, "hour")), (90_000, (1, "day"))],
)
def test_the_largest_unit_that_fits(seconds: float, largest: tuple[int, str]) -> None:
    assert times.largest_unit(seconds) == largest
