"""Stored records into words: check runs, comments and answers, as pure functions over typed values.

The words live in `templates/`; what is untrusted is escaped by `bot.render.escape` unless a template says which way.
"""

from __future__ import annotations

from bot.render.check import check_run, deployment_description, fingerprint, fingerprint_text, github_state
from bot.render.comment import STICKY_MARKER, answer, closed_pull_request, failed_default_branch, reply_marker, sticky
from bot.render.reply import (
    bad_argument,
    cancelled,
    fork_not_sandboxed,
    help_reply,
    moved_head,
    no_such_ref,
    not_a_pull_request,
    nothing_to_cancel,
    nothing_to_rollback,
    refusal,
    stale_command,
    status,
    unknown_verb,
)
from bot.render.scene import Scene
from bot.render.serving import (
    already_running,
    diagnosis_reply,
    env_reply,
    lock_refused,
    locked,
    logs_private,
    logs_reply,
    no_logs,
    nothing_failed,
    nothing_live,
    our_fault,
    restarted,
    started,
    stopped,
    unlocked,
)
from bot.render.undeployed import Problem, config_error, neutral, offer

__all__ = [
    "STICKY_MARKER",
    "Problem",
    "Scene",
    "already_running",
    "answer",
    "bad_argument",
    "cancelled",
    "check_run",
    "closed_pull_request",
    "config_error",
    "deployment_description",
    "diagnosis_reply",
    "env_reply",
    "failed_default_branch",
    "fingerprint",
    "fingerprint_text",
    "fork_not_sandboxed",
    "github_state",
    "help_reply",
    "lock_refused",
    "locked",
    "logs_private",
    "logs_reply",
    "moved_head",
    "neutral",
    "no_logs",
    "no_such_ref",
    "not_a_pull_request",
    "nothing_failed",
    "nothing_live",
    "nothing_to_cancel",
    "nothing_to_rollback",
    "offer",
    "our_fault",
    "refusal",
    "reply_marker",
    "restarted",
    "stale_command",
    "started",
    "status",
    "sticky",
    "stopped",
    "unknown_verb",
    "unlocked",
]
