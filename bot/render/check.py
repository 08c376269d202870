"""The check run of a deployment, and what GitHub's deployment says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from itertools import pairwise

from bot.model import Builder, Deployment, Kind, Stage
from bot.ports import Action, CheckRun
from bot.render import escape, failure, limits, phrases, times
from bot.render.escape import Markdown
from bot.render.phrases import Row
from bot.render.scene import Scene
from bot.render.words import plain, words

LOG_LINES = 40
_CONCLUSIONS = {Stage.RUNNING: "success", Stage.FAILED: "failure", Stage.CANCELLED: "cancelled"}
_GITHUB_STATES = {
    Stage.INSPECTING: "queued",
    Stage.BUILDING: "in_progress",
    Stage.DEPLOYING: "in_progress",
    Stage.RUNNING: "success",
    Stage.FAILED: "failure",
    Stage.CANCELLED: "inactive",
}
_HEAD_ROOM = 2_000
"""Bytes kept for what stands around the log in `text`."""

_TITLE_RUNNING = re.compile(r" · [0-9:]+$")
_ROW_RUNNING = re.compile(r"^(\| \w+ \| ● .*) \| [0-9:]* \|$", re.MULTILINE)
_UPDATED = re.compile(r"\A([^\n]*)\d\d:\d\d:\d\d UTC")
_SIGNED = re.compile(r"\?expires=\d+&signature=[0-9a-f]+")


def check_run(scene: Scene, actions: Sequence[str] = ()) -> CheckRun:
    """The check on the deployed commit. `actions`: names of buttons, at most three (GitHub's limit)."""
    deployment = scene.deployment
    ended = deployment.stage.ended
    return CheckRun(
        head_sha=deployment.sha,
        external_id=deployment.id,
        status="completed" if ended else "in_progress",
        conclusion=_CONCLUSIONS.get(deployment.stage),
        started_at=deployment.opened_at or None,
        completed_at=deployment.entered(deployment.stage) if ended else None,
        details_url=scene.build_log_url or None,
        title=title(scene),
        summary=fit(_summary(scene)),
        text=fit(_text(scene)),
        annotations=failure.annotate(scene),
        actions=tuple(action(name) for name in actions),
    )


def action(name: str) -> Action:
    """The button `name`: its template's two lines are the label and the description."""
    label, description = plain(f"action/{name}").split("\n")
    return Action(label=label, description=description, identifier=name)


def fit(document: str) -> Markdown:
    """`document` within GitHub's limit for `summary` and `text`."""
    return limits.within(document, limits.CHECK_BYTES, words("cut"), limits.utf8)


def fingerprint(check: CheckRun) -> str:
    """Two checks of one fingerprint are not worth a write between them.

    It covers all of the body but what the mere passing of time changes: while the check is in progress, the duration
    at the title's end, that in the running row of the stage table, and the time at which the log was read; at any
    time, the expiry and signature of a link to the log. A build that says nothing new is therefore not written again,
    and one that does is written when the caller looks, which it does every 15 s.
    """
    body = check.model_dump(mode="json")
    if check.status != "completed":
        body["title"] = _TITLE_RUNNING.sub("", check.title)
        body["summary"] = _ROW_RUNNING.sub(r"\1 | |", check.summary)
        body["text"] = _UPDATED.sub(r"\1", check.text)
    return fingerprint_text(json.dumps(body, sort_keys=True))


def fingerprint_text(body: str) -> str:
    """The same for a comment, which shows no running times: all of it but the expiry of a link to the log."""
    return hashlib.sha256(_SIGNED.sub("", body).encode("utf-8", "replace")).hexdigest()


def github_state(stage: Stage) -> str:
    """The state of GitHub's deployment status. One that was cancelled never became active."""
    return _GITHUB_STATES[stage]


def deployment_description(deployment: Deployment) -> str:
    """For GitHub's deployment and its status, at most 140 characters of plain text."""
    by = deployment.superseded_by or ""
    said = plain(
        "check/deployment",
        stage=deployment.stage.value,
        sha=deployment.short_sha,
        rollback=deployment.kind is Kind.ROLLBACK,
        lasted=phrases.lasted(deployment, deployment.opened_at),
        worked=phrases.worked_stage(deployment).value,
        phrase=phrases.phrase(deployment),
        by=by,
        by_commit=phrases.is_commit(by),
        plan=deployment.plan,
    )
    return escape.cut(said, limits.DESCRIPTION_CHARACTERS)


def title(scene: Scene) -> str:
    """The stage and a short phrase."""
    deployment = scene.deployment
    by = deployment.superseded_by or ""
    said = plain(
        "check/title",
        stage=deployment.stage.value,
        plan=deployment.plan,
        lasted=phrases.lasted(deployment, scene.now),
        step=deployment.step.value,
        what=phrases.what(deployment, scene.before),
        worked=phrases.worked_stage(deployment).value,
        phrase=phrases.phrase(deployment),
        by=by[:7] if phrases.is_commit(by) else by,
        by_commit=phrases.is_commit(by),
    )
    return escape.cut(said, limits.TITLE_CHARACTERS)


def _summary(scene: Scene) -> Markdown:
    deployment = scene.deployment
    by = deployment.superseded_by or ""
    return words(
        "check/summary",
        deployment=deployment,
        stage=deployment.stage.value,
        ended=deployment.stage.ended,
        trigger=deployment.cause.trigger.value,
        what=phrases.what(deployment, scene.before),
        by=by[:7] if phrases.is_commit(by) else by,
        by_commit=phrases.is_commit(by),
        url=scene.service_url,
        is_live=scene.is_live,
        live=scene.other_live,
        replaced=scene.replaced,
        failure=failure.failure(scene) if deployment.stage is Stage.FAILED else "",
        table=words("check/table", rows=_rows(scene)),
        notes=deployment.plan.notes if deployment.plan is not None else (),
    )


def _rows(scene: Scene) -> list[Row]:
    """The stage table: what is done, what runs, what is still to come."""
    deployment = scene.deployment
    left = {t.stage: after.at for t, after in pairwise(deployment.stage_times)}
    rows = []
    for stage in (Stage.INSPECTING, Stage.BUILDING, Stage.DEPLOYING):
        entered = deployment.entered(stage)
        mark, said, took = "", Markdown(""), Markdown("")
        if entered is not None:
            current = deployment.stage is stage
            broke = deployment.stage.ended and phrases.worked_stage(deployment) is stage
            mark = "●" if current else _END_MARKS[deployment.stage] if broke else "✓"
            said = _said(deployment, stage)
            seconds = (scene.now if current else left.get(stage, entered)) - entered
            took = Markdown(times.running(seconds) if current else times.took(seconds))
        elif stage is Stage.BUILDING and deployment.kind is Kind.ROLLBACK and deployment.release is not None:
            said = words("check/released", sha=(deployment.release.sha or deployment.sha)[:7])
        rows.append(Row(stage.value.capitalize(), mark, said, took))
    return rows


_END_MARKS = {Stage.RUNNING: "✓", Stage.FAILED: "✗", Stage.CANCELLED: "–"}


def _said(deployment: Deployment, stage: Stage) -> Markdown:
    plan = deployment.plan
    match stage:
        case Stage.INSPECTING if plan is not None:
            return words("plan/found", plan=plan)
        case Stage.BUILDING if plan is not None:
            command = "" if plan.builder is Builder.DOCKERFILE else " ".join(plan.command)
            return words("plan/build", plan=plan, command=command)
        case Stage.DEPLOYING if deployment.stage is Stage.DEPLOYING:
            return words("check/step", step=deployment.step.value)
        case _:
            return Markdown("")


def _text(scene: Scene) -> Markdown:
    """The end of the build log. An application's log is never here."""
    if not scene.log.strip():
        return Markdown("")
    tail = limits.tail(scene.log, LOG_LINES, limits.CHECK_BYTES - _HEAD_ROOM)
    return words(
        "check/log",
        tail=tail,
        body=escape.fence(tail.body),
        updated=not scene.deployment.stage.ended,
        at=scene.log_at,
        log_url=scene.build_log_url,
    )
