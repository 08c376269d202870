"""The stages a deployment passes, as pure transitions. Nothing else changes a deployment's stage."""

from __future__ import annotations

from bot.model import Deployment, Diagnosis, Failure, Stage, StageTime, Step

ALLOWED: dict[Stage, frozenset[Stage]] = {
    Stage.INSPECTING: frozenset({Stage.BUILDING, Stage.FAILED, Stage.CANCELLED}),
    Stage.BUILDING: frozenset({Stage.DEPLOYING, Stage.FAILED, Stage.CANCELLED}),
    Stage.DEPLOYING: frozenset({Stage.RUNNING, Stage.FAILED, Stage.CANCELLED}),
    Stage.RUNNING: frozenset(),
    Stage.FAILED: frozenset(),
    Stage.CANCELLED: frozenset(),
}


class ImpossibleTransition(Exception):
    """A transition that the table doesn't allow: a bug, never a user's fault."""


def enter(deployment: Deployment, stage: Stage, now: float) -> Deployment:
    """`deployment` in `stage` since `now`. Raises ImpossibleTransition."""
    if stage not in ALLOWED[deployment.stage]:
        raise ImpossibleTransition(f"{deployment.id}: {deployment.stage} -> {stage}")
    return deployment.model_copy(
        update={
            "stage": stage,
            "stage_times": (*deployment.stage_times, StageTime(stage=stage, at=now)),
            "step": Step.START,
            "step_at": now,
        }
    )


def fail(deployment: Deployment, failure: Failure, now: float, diagnosis: Diagnosis | None = None) -> Deployment:
    ended = enter(deployment, Stage.FAILED, now)
    return ended.model_copy(update={"failure": failure, "diagnosis": diagnosis})


def cancel(deployment: Deployment, by: str, now: float) -> Deployment:
    """`by`: the commit or the person that ended it."""
    return enter(deployment, Stage.CANCELLED, now).model_copy(update={"superseded_by": by})


def step_to(deployment: Deployment, step: Step, now: float) -> Deployment:
    """The next sub-step of the rollout."""
    return deployment.model_copy(update={"step": step, "step_at": now})


def can_be_superseded(deployment: Deployment) -> bool:
    """Before DEPLOYING a newer commit cancels it; a rollout that has begun finishes first."""
    return deployment.stage in (Stage.INSPECTING, Stage.BUILDING)
