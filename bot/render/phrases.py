"""Short phrases about a deployment that several places say alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.model import Deployment, Kind, Stage
from bot.render.escape import Markdown

_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def is_commit(by: str) -> bool:
    """Whether `superseded_by` names a commit; else it names a person."""
    return _COMMIT.fullmatch(by) is not None


def worked_stage(deployment: Deployment) -> Stage:
    """The stage it is in, or was in when it ended."""
    if not deployment.stage.ended:
        return deployment.stage
    if deployment.failure is not None:
        return deployment.failure.stage
    before = [t.stage for t in deployment.stage_times if not t.stage.ended]
    return before[-1] if before else Stage.INSPECTING


def lasted(deployment: Deployment, now: float) -> float:
    """Seconds from its opening to its end, or to now."""
    ended = deployment.entered(deployment.stage) if deployment.stage.ended else None
    return (ended if ended is not None else now) - deployment.opened_at


def phrase(deployment: Deployment) -> str:
    """Why it failed, in a few words; "" for one that didn't. Untrusted."""
    diagnosis = deployment.diagnosis
    if diagnosis is not None and diagnosis.status == "diagnosed" and diagnosis.issues:
        return diagnosis.issues[0].title
    return deployment.failure.what.rstrip(".") if deployment.failure else ""


def what(deployment: Deployment, before: Deployment | None) -> Literal["deploy", "rollback", "restart"]:
    """The verb of it. A restart is a rollback to the version that is, or was `before` it, live."""
    if deployment.kind is not Kind.ROLLBACK:
        return "deploy"
    return "restart" if before is not None and before.sha == deployment.sha else "rollback"


@dataclass(frozen=True)
class Row:
    """One line of the stage table."""

    name: str
    mark: str
    said: Markdown
    took: Markdown
