"""How often GitHub is written to."""

from __future__ import annotations

import pytest

from bot.reconcile import LOG_EVERY_S, TAILS_PER_MINUTE, tail_every


@pytest.mark.parametrize("building", [0, 1, 5, 40, 1000])
def test_all_tails_together_stay_within_their_share_of_the_limit(building: int) -> None:
    assert tail_every(building) >= LOG_EVERY_S
    assert building * 60 / tail_every(building) <= TAILS_PER_MINUTE
