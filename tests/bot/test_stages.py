"""Stages change by the table and in no other way."""

from __future__ import annotations

import itertools

import pytest

from bot.model import Cause, Deployment, Failure, Stage
from bot.stages import ALLOWED, ImpossibleTransition, can_be_superseded, cancel, enter, fail


def deployment(stage: Stage) -> Deployment:
    return Deployment(
        id="d", repository_id=1, service_id="s", cause=Cause(delivery="x"), sha="a" * 40, ref="main", stage=stage
    )


@pytest.mark.parametrize(("before", "after"), itertools.product(Stage, Stage))
def test_only_what_the_table_allows_happens(before: Stage, after: Stage) -> None:
    if after in ALLOWED[before]:
        moved = enter(deployment(before), after, 5.0)
        assert (moved.stage, moved.entered(after)) == (after, 5.0)
    else:
        with pytest.raises(ImpossibleTransition):
            enter(deployment(before), after, 5.0)


def test_an_end_is_final() -> None:
    assert all(not ALLOWED[stage] for stage in Stage if stage.ended)
    assert all(ALLOWED[stage] for stage in Stage if not stage.ended)


def test_a_failure_is_kept_with_the_stage() -> None:
    failure = Failure(stage=Stage.BUILDING, what="It broke.")
    assert fail(deployment(Stage.BUILDING), failure, 1.0).failure == failure


def test_who_cancelled_is_kept() -> None:
    assert cancel(deployment(Stage.BUILDING), "3f9c2ab", 1.0).superseded_by == "3f9c2ab"


def test_a_rollout_that_has_begun_finishes_first() -> None:
    assert {stage for stage in Stage if can_be_superseded(deployment(stage))} == {Stage.INSPECTING, Stage.BUILDING}
