"""Everything a person can be shown, once: for the snapshots and for the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot import render
from bot.model import Cause, Lock, LogKind, Stage, Trigger
from bot.ports import CheckRun
from tests.render.scenes import (
    APP_FAILED,
    APP_LOG_URL,
    BUILD_FAILURE,
    BY_COMMAND,
    BY_RULE,
    DELIVERY,
    FAILED,
    GRADLE,
    IMAGE,
    LIVE,
    LOG,
    MISCONFIGURED,
    NEWER_SHA,
    NOON,
    NOT_FOUND,
    ON_PULL,
    PUBLIC,
    REPOSITORY,
    RUNNING,
    SEVERAL,
    SHA,
    SWITCHING,
    UNRECOGNISED,
    URL,
    deployment,
    rollback,
    scene,
)

BUILDING = deployment(Stage.BUILDING)
INSPECTING = deployment(Stage.INSPECTING)
OVERTAKEN = deployment(Stage.CANCELLED, superseded_by=NEWER_SHA[:7])
ENDED_BY_HAND = deployment(Stage.CANCELLED, superseded_by="hubot", cause=BY_COMMAND)
LATER = NOON + 118.3
LOCK = Lock(owner="octocat", reason="load test", since=NOON + 7320)


def running(**changes: Any) -> render.Scene:
    return scene(RUNNING, live=RUNNING, replaced=LIVE, now=LATER, **changes)


def check(*arguments: Any, actions: tuple[str, ...] = (), **changes: Any) -> Callable[[], CheckRun]:
    return lambda: render.check_run(scene(*arguments, **changes), actions=actions)


def sticky(*arguments: Any, **changes: Any) -> Callable[[], str]:
    return lambda: render.sticky(scene(*arguments, **changes))


def pulled(shown: Any) -> Any:
    return shown.model_copy(update=ON_PULL | {"cause": BY_COMMAND})


CHECKS: dict[str, Callable[[], CheckRun]] = {
    "inspecting, the first": check(INSPECTING, live=None),
    "building": check(BUILDING, log=LOG),
    "building with Gradle in a folder": check(BUILDING.model_copy(update={"plan": GRADLE}), log=LOG),
    "building an image, without a plan yet": check(BUILDING.model_copy(update={"plan": None})),
    "deploying an image": check(deployment(Stage.DEPLOYING, plan=IMAGE), now=NOON + 80),
    "switching over": check(SWITCHING, now=NOON + 90),
    "running": lambda: render.check_run(running(), actions=("redeploy", "rollback")),
    "running, the first": lambda: render.check_run(
        scene(RUNNING, live=RUNNING, now=LATER, log_url=""), actions=("redeploy",)
    ),
    "running, replaced since": lambda: render.check_run(scene(RUNNING, live=LIVE, now=LATER), actions=("redeploy",)),
    "running, all removed": lambda: render.check_run(scene(RUNNING, live=None, now=LATER)),
    "failed, misconfigured": check(MISCONFIGURED, actions=("redeploy",)),
    "failed, diagnosed by a model": check(FAILED, log=LOG, actions=("redeploy", "diagnose")),
    "failed, diagnosed by a rule": check(FAILED.model_copy(update={"diagnosis": BY_RULE}), log=LOG, live=None),
    "failed, several findings": check(FAILED.model_copy(update={"diagnosis": SEVERAL}), log=LOG),
    "failed, unrecognised": check(FAILED.model_copy(update={"diagnosis": UNRECOGNISED}), log=LOG),
    "failed, nothing to build": check(NOT_FOUND, actions=("redeploy",)),
    "failed to start": check(APP_FAILED, actions=("redeploy", "diagnose")),
    "failed to start, public": check(APP_FAILED, repository=PUBLIC),
    "failed to start, unrecognised, public": check(
        APP_FAILED.model_copy(update={"diagnosis": UNRECOGNISED}), repository=PUBLIC
    ),
    "overtaken": check(OVERTAKEN, actions=("redeploy",)),
    "cancelled by a person, nothing live": check(ENDED_BY_HAND, live=None),
    "cancelled": check(deployment(Stage.CANCELLED, after=Stage.DEPLOYING, actor="")),
    "rolling back": check(rollback(Stage.DEPLOYING), live=RUNNING, now=NOON + 3),
    "rolled back": lambda: render.check_run(
        scene(back := rollback(Stage.RUNNING), live=back, replaced=RUNNING), actions=("redeploy", "rollback")
    ),
    "restarting": check(rollback(Stage.DEPLOYING, cause=BY_COMMAND), now=NOON + 3),
    "restarted": lambda: render.check_run(scene(back := rollback(Stage.RUNNING), live=back, replaced=LIVE)),
    "by a button": check(
        deployment(Stage.BUILDING, cause=Cause(delivery=DELIVERY, trigger=Trigger.BUTTON)), log="one line"
    ),
    "by a re-run": check(deployment(Stage.BUILDING, cause=Cause(delivery=DELIVERY, trigger=Trigger.RERUN))),
    "offer on a branch": lambda: render.offer(REPOSITORY, SHA),
    "offer on a pull request": lambda: render.offer(REPOSITORY, SHA, 5),
    "not deployed: stopped": lambda: render.neutral("stopped", REPOSITORY, SHA, None, None, NOON),
    "not deployed: locked": lambda: render.neutral("locked", REPOSITORY, SHA, None, LOCK, NOON + 9000),
    "not deployed: was locked": lambda: render.neutral("locked", REPOSITORY, SHA, None, None, NOON),
    "not deployed: auto is off": lambda: render.neutral("auto_off", REPOSITORY, SHA, None, None, NOON),
    "not deployed: configuration": lambda: render.config_error(
        SHA,
        [
            render.Problem(3, "`jdk` is `seventeen`.", "Write a number, as in `jdk: 17`."),
            render.Problem(0, "`port` stands there twice."),
        ],
    ),
}

COMMENTS: dict[str, Callable[[], str]] = {
    "inspecting, the first": sticky(pulled(INSPECTING), live=None),
    "building": sticky(pulled(BUILDING)),
    "running": lambda: render.sticky(scene(now_live := pulled(RUNNING), live=now_live, replaced=LIVE, now=LATER)),
    "running, the first": lambda: render.sticky(scene(now_live := pulled(RUNNING), live=now_live, now=LATER)),
    "running, replaced since": sticky(pulled(RUNNING)),
    "running, all removed": sticky(pulled(RUNNING), live=None),
    "failed": sticky(pulled(FAILED)),
    "overtaken": sticky(pulled(OVERTAKEN)),
    "cancelled by a person, nothing live": sticky(pulled(ENDED_BY_HAND), live=None),
    "cancelled": sticky(pulled(deployment(Stage.CANCELLED))),
    "rolling back": sticky(rollback(Stage.DEPLOYING), live=RUNNING),
    "restarting": sticky(rollback(Stage.DEPLOYING)),
    "restarted": lambda: render.sticky(scene(back := rollback(Stage.RUNNING), live=back, replaced=LIVE)),
    "closed, live": lambda: render.closed_pull_request(
        scene(now_live := pulled(RUNNING), live=now_live, replaced=LIVE, now=LATER)
    ),
    "closed, live, the first": lambda: render.closed_pull_request(scene(now_live := pulled(RUNNING), live=now_live)),
    "closed, another is live": lambda: render.closed_pull_request(scene(pulled(RUNNING))),
    "closed, nothing live": lambda: render.closed_pull_request(scene(pulled(FAILED), live=None)),
    "closed, still building": lambda: render.closed_pull_request(scene(pulled(BUILDING))),
    "a merge that failed": lambda: render.failed_default_branch(scene(FAILED)),
    "one answer to two commands": lambda: render.answer(DELIVERY, [render.unlocked(), render.stopped()]),
}

REPLIES: dict[str, Callable[[], str]] = {
    "not a pull request": render.not_a_pull_request,
    "refusal": lambda: render.refusal(REPOSITORY),
    "stale command": lambda: render.stale_command("deploy", 8000),
    "unknown verb": lambda: render.unknown_verb("depoly", "deploy"),
    "unknown verb, none near": lambda: render.unknown_verb("sing", None),
    "bad argument": lambda: render.bad_argument("deploy", "a b", "deploy [sha|branch]"),
    "help": render.help_reply,
    "no such ref": lambda: render.no_such_ref("feature/x"),
    "fork, not sandboxed": render.fork_not_sandboxed,
    "moved head": lambda: render.moved_head("feature", SHA, NEWER_SHA),
    "moved head, none seen before": lambda: render.moved_head("feature", "", NEWER_SHA),
    "nothing to roll back to": lambda: render.nothing_to_rollback(None),
    "nothing to roll back to, named": lambda: render.nothing_to_rollback("deadbeef"),
    "nothing to cancel": render.nothing_to_cancel,
    "cancelled": lambda: render.cancelled(ENDED_BY_HAND),
    "cancelled, a commit by its own name": lambda: render.cancelled(deployment(Stage.CANCELLED, ref=SHA[:7])),
    "status: nothing": lambda: render.status("", None, None, None, stopped=False, now=NOON),
    "status: not live yet": lambda: render.status(URL, None, INSPECTING, None, stopped=False, now=NOON + 3),
    "status: live": lambda: render.status(URL, LIVE, None, None, stopped=False, now=NOON),
    "status: all": lambda: render.status(URL, LIVE, BUILDING, FAILED, stopped=False, now=NOON + 86_400),
    "status: stopped": lambda: render.status(URL, LIVE, None, None, stopped=True, now=NOON),
    "status: stopped, never live": lambda: render.status(URL, None, None, NOT_FOUND, stopped=True, now=NOON),
    "locked": lambda: render.locked(LOCK, NOON + 9000),
    "locked, no reason, days ago": lambda: render.locked(Lock(owner="octocat", since=NOON), NOON + 200_000),
    "lock refused": lambda: render.lock_refused(LOCK, NOON + 9000),
    "lock refused, no reason": lambda: render.lock_refused(Lock(owner="octocat", since=NOON), NOON),
    "stale by an hour": lambda: render.stale_command("deploy", 3700),
    "stale by a day": lambda: render.stale_command("deploy", 90_000),
    "secrets, ending now": lambda: render.env_reply("https://bot.example/services/s/env?expires=1", [], 59),
    "unlocked": render.unlocked,
    "logs: build": lambda: render.logs_reply(LogKind.BUILD, LOG, 3, "https://bot.example/log"),
    "logs: application": lambda: render.logs_reply(LogKind.APP, "Started\n```\n@octocat\n", 50, ""),
    "logs: one long line": lambda: render.logs_reply(LogKind.APP, "x" * 600, 1, ""),
    "logs: empty": lambda: render.logs_reply(LogKind.BUILD, "", 50, ""),
    "logs: private": lambda: render.logs_private(APP_LOG_URL),
    "no logs": render.no_logs,
    "diagnosis": lambda: render.diagnosis_reply(FAILED, REPOSITORY, APP_LOG_URL),
    "diagnosis of one without a log": lambda: render.diagnosis_reply(NOT_FOUND, REPOSITORY, APP_LOG_URL),
    "diagnosis, not the application's log": lambda: render.diagnosis_reply(APP_FAILED, PUBLIC, APP_LOG_URL),
    "nothing failed": render.nothing_failed,
    "nothing live": render.nothing_live,
    "secrets": lambda: render.env_reply("https://bot.example/services/s/env?expires=1", ["DB_PASSWORD", "KEY"], 600),
    "secrets, none set": lambda: render.env_reply("https://bot.example/services/s/env?expires=1", [], 600),
    "restarted": lambda: render.restarted(LIVE),
    "stopped": render.stopped,
    "started": render.started,
    "already running": render.already_running,
    "our fault": lambda: render.our_fault(DELIVERY),
}

DESCRIPTIONS: dict[str, Callable[[], str]] = {
    name: lambda shown=shown: render.deployment_description(shown)  # type: ignore[misc]
    for name, shown in {
        "inspecting": INSPECTING,
        "building": BUILDING,
        "deploying": SWITCHING,
        "running": RUNNING,
        "rolled back": rollback(Stage.RUNNING),
        "rolling back": rollback(Stage.DEPLOYING),
        "failed": FAILED,
        "failed, no diagnosis": deployment(Stage.FAILED, failure=BUILD_FAILURE),
        "overtaken": OVERTAKEN,
        "cancelled by a person": ENDED_BY_HAND,
        "cancelled": deployment(Stage.CANCELLED),
    }.items()
}

LONG: dict[str, Callable[[], str]] = {
    "a check cut to fit": lambda: render.check_run(
        scene(
            FAILED.model_copy(
                update={
                    "plan": GRADLE.model_copy(update={"notes": tuple(f"Note {n}. " + "x" * 900 for n in range(99))})
                }
            )
        )
    ).summary[-200:],
}

ALL_TEXTS = {
    **{f"comment: {name}": made for name, made in COMMENTS.items()},
    **{f"reply: {name}": made for name, made in REPLIES.items()},
    **{f"description: {name}": made for name, made in DESCRIPTIONS.items()},
    **{f"limit: {name}": made for name, made in LONG.items()},
}
