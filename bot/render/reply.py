"""What commands are answered with, a part of the one answer each."""

from __future__ import annotations

from bot import commands
from bot.model import Deployment, Repository
from bot.render import phrases
from bot.render.escape import Markdown
from bot.render.words import words


def not_a_pull_request() -> Markdown:
    return words("reply/not_a_pull_request")


def refusal(repository: Repository) -> Markdown:
    return words("reply/refusal", name=repository.full_name)


def stale_command(verb: str, age_s: float) -> Markdown:
    return words("reply/stale_command", command=f"/whaleray {verb}".strip(), age=age_s)


def unknown_verb(word: str, nearest: str | None) -> Markdown:
    return words("reply/unknown_verb", word=word, nearest=nearest, help=help_reply())


def bad_argument(of: str, argument: str, expected: str) -> Markdown:
    return words("reply/bad_argument", given=f"/whaleray {of} {argument}", expected=f"/whaleray {expected}")


def help_reply() -> Markdown:
    """Derived from the command types."""
    return words("reply/help", lines=commands.help_lines())


def no_such_ref(name: str) -> Markdown:
    return words("reply/no_such_ref", name=name)


def fork_not_sandboxed() -> Markdown:
    return words("reply/fork_not_sandboxed")


def moved_head(ref: str, seen_sha: str, now_sha: str) -> Markdown:
    """`seen_sha`: the head as of the comment; "" when no delivery told of it."""
    before = seen_sha if seen_sha != now_sha else ""
    return words("reply/moved_head", ref=ref, before=before[:7], now=now_sha[:7])


def nothing_to_rollback(named: str | None) -> Markdown:
    return words("reply/nothing_to_rollback", named=named or "")


def nothing_to_cancel() -> Markdown:
    return words("reply/nothing_to_cancel")


def cancelled(deployment: Deployment) -> Markdown:
    return words("reply/cancelled", deployment=deployment)


def status(
    url: str,
    live: Deployment | None,
    in_flight: Deployment | None,
    newest_failed: Deployment | None,
    *,
    stopped: bool,
    now: float,
) -> Markdown:
    """What is live, what is under way, and whether the newest attempt failed. `url`: "" before the first deploy."""
    since = live.entered(live.stage) if live is not None else None
    return words(
        "reply/status",
        url=url,
        live=live,
        since=since or 0.0,
        in_flight=in_flight,
        in_flight_for=phrases.lasted(in_flight, now) if in_flight is not None else 0.0,
        failed=newest_failed,
        failed_while=phrases.worked_stage(newest_failed).value if newest_failed is not None else "",
        failed_phrase=phrases.phrase(newest_failed) if newest_failed is not None else "",
        stopped=stopped,
        now=now,
    )
