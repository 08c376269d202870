"""What commands about the running service are answered with: logs, secrets, locks, stop and start."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model import Deployment, Lock, LogKind, Repository
from bot.render import escape, failure, limits, phrases
from bot.render.escape import Markdown
from bot.render.scene import Scene
from bot.render.words import words

LOG_BYTES = 50_000
"""Room for a log in an answer, which other commands of the comment share."""


def locked(lock: Lock, now: float) -> Markdown:
    """To its owner and to those it keeps out."""
    return words("reply/locked", lock=lock, now=now)


def lock_refused(lock: Lock, now: float) -> Markdown:
    """To somebody who may not free it."""
    return words("reply/lock_refused", lock=lock, now=now)


def unlocked() -> Markdown:
    return words("reply/unlocked")


def logs_reply(kind: LogKind, text: str, lines: int, url: str) -> Markdown:
    """The last `lines` lines of `text`, which is redacted already; `url`: the whole log, or ""."""
    tail = limits.tail(text, lines, LOG_BYTES)
    return words("reply/logs", kind=kind.value, tail=tail, body=escape.fence(tail.body), url=url)


def logs_private(url: str) -> Markdown:
    """An application's log is never posted on a public repository (docs/design.md); `url`: where it is shown."""
    return words("reply/logs_private", url=url)


def no_logs() -> Markdown:
    return words("reply/no_logs")


def diagnosis_reply(deployment: Deployment, repository: Repository, app_log_url: str) -> Markdown:
    """The cause of a failure, looked for once more."""
    scene = Scene(
        deployment=deployment,
        repository=repository,
        service_url="",
        now=deployment.opened_at,
        app_log_url=app_log_url,
    )
    return words(
        "reply/diagnosis",
        sha=deployment.short_sha,
        worked=phrases.worked_stage(deployment).value,
        failure=failure.failure(scene),
    )


def nothing_failed() -> Markdown:
    return words("reply/nothing_failed")


def nothing_live() -> Markdown:
    return words("reply/nothing_live")


def env_reply(url: str, names: Sequence[str], expires_s: float) -> Markdown:
    """A link that ends in `expires_s` seconds, and which names are set; never a value."""
    return words("reply/env", url=url, names=names, expires=expires_s)


def restarted(deployment: Deployment) -> Markdown:
    return words("reply/restarted", sha=deployment.short_sha)


def stopped() -> Markdown:
    return words("reply/stopped")


def started() -> Markdown:
    return words("reply/started")


def already_running() -> Markdown:
    return words("reply/already_running")


def our_fault(delivery: str) -> Markdown:
    """`delivery`: what to look for in WhaleRay's own log."""
    return words("reply/our_fault", delivery=delivery)
