"""Request bodies, as pure functions of the port's values. A parameter that is optional is sent only when set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.ports import Annotation, CheckRun

CHECK_NAME = "WhaleRay"
ANNOTATIONS_PER_REQUEST = 50
"""GitHub's limit; a later request's annotations are added to those already there."""
DESCRIPTION_CHARACTERS = 140
"""GitHub's limit for the description of a deployment and of its status."""

Body = dict[str, Any]


def iso(at: float) -> str:
    """Epoch seconds as GitHub writes times."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def batches(annotations: Sequence[Annotation]) -> list[Sequence[Annotation]]:
    """Fifty at a time, and at least one batch, which may be empty."""
    size = ANNOTATIONS_PER_REQUEST
    return [annotations[at : at + size] for at in range(0, len(annotations), size)] or [()]


def new_check_run(check: CheckRun, annotations: Sequence[Annotation]) -> Body:
    body: Body = {"name": CHECK_NAME, "head_sha": check.head_sha, **_check(check), "output": output(check, annotations)}
    if check.actions:
        body["actions"] = [action.model_dump() for action in check.actions]
    return body


def changed_check_run(check: CheckRun, annotations: Sequence[Annotation]) -> Body:
    """Names the buttons even when there are none: those of an earlier stage would stay otherwise."""
    return {
        "name": CHECK_NAME,
        **_check(check),
        "output": output(check, annotations),
        "actions": [action.model_dump() for action in check.actions],
    }


def output(check: CheckRun, annotations: Sequence[Annotation]) -> Body:
    body: Body = {"title": check.title, "summary": check.summary}
    if check.text:
        body["text"] = check.text
    if annotations:
        body["annotations"] = [_annotation(each) for each in annotations]
    return body


def _check(check: CheckRun) -> Body:
    body: Body = {"external_id": check.external_id, "status": check.status}
    if check.details_url:
        body["details_url"] = check.details_url
    if check.started_at is not None:
        body["started_at"] = iso(check.started_at)
    if check.status == "completed":
        # GitHub takes a conclusion or an end as "completed", whatever the status says.
        body["conclusion"] = check.conclusion or "neutral"
        if check.completed_at is not None:
            body["completed_at"] = iso(check.completed_at)
    return body


def _annotation(annotation: Annotation) -> Body:
    line = max(annotation.line, 1)
    body: Body = {
        "path": annotation.path,
        "start_line": line,
        "end_line": line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }
    if annotation.title:
        body["title"] = annotation.title
    return body


def new_deployment(sha: str, environment: str, deployment_id: str, description: str) -> Body:
    """`required_contexts` is empty: a check run that is in progress, ours for one, must not refuse the deployment."""
    production = environment == "production"
    body: Body = {
        "ref": sha,
        "task": "deploy",
        "auto_merge": False,
        "required_contexts": [],
        "payload": {"whaleray": deployment_id},
        "environment": environment,
        "production_environment": production,
        "transient_environment": not production,
    }
    if description:
        body["description"] = _cut(description)
    return body


def deployment_status(state: str, environment_url: str, log_url: str, description: str) -> Body:
    """`auto_inactive` is off: WhaleRay sets `inactive` itself, which GitHub does for some environments only."""
    body: Body = {"state": state, "auto_inactive": False}
    if environment_url:
        body["environment_url"] = environment_url
    if log_url:
        body["log_url"] = log_url
    if description:
        body["description"] = _cut(description)
    return body


def _cut(text: str) -> str:
    return text if len(text) <= DESCRIPTION_CHARACTERS else text[: DESCRIPTION_CHARACTERS - 1] + "…"
