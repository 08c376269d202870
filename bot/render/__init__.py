"""Stored records into words: check runs, comments and answers, as pure functions over typed values.

The words live in `templates/`; what is untrusted is escaped by `bot.render.escape` unless a template says which way.
"""

from __future__ import annotations

from bot.render.check import check_run, deployment_description, fingerprint, fingerprint_text, github_state
from bot.render.comment import STICKY_MARKER, answer, reply_marker, sticky
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

__all__ = [
    "STICKY_MARKER",
    "Scene",
    "answer",
    "bad_argument",
    "cancelled",
    "check_run",
    "deployment_description",
    "fingerprint",
    "fingerprint_text",
    "fork_not_sandboxed",
    "github_state",
    "help_reply",
    "moved_head",
    "no_such_ref",
    "not_a_pull_request",
    "nothing_to_cancel",
    "nothing_to_rollback",
    "refusal",
    "reply_marker",
    "stale_command",
    "status",
    "sticky",
    "unknown_verb",
]
