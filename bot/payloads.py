"""GitHub's JSON into our events, tolerantly: only what we need is read, and what lacks it is no event of ours."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypeVar

import structlog
from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import Decoder

from bot.events import (
    CheckRunAction,
    CheckSuiteRerun,
    Comment,
    Event,
    InstallationChanged,
    PullRequestChanged,
    Push,
    RepositoryChanged,
)
from bot.inspection.config import PATHS
from bot.model import Repository

log = structlog.get_logger(__name__)

S = TypeVar("S", bound=Struct)

LISTED_COMMITS = 2048
"""GitHub's documentation of `push`: at most this many commits are listed."""


class Malformed(Exception):
    """The body is not a JSON object."""


class _User(Struct):
    """GitHub says `null` for many a thing that isn't there: whatever may be absent may be null."""

    login: str | None = None
    name: str | None = None
    id: int | None = None
    type: str | None = None


class _Id(Struct):
    id: int


class _Repo(Struct):
    id: int
    name: str
    full_name: str | None = None
    owner: _User | None = None
    default_branch: str | None = None
    private: bool | None = None
    html_url: str | None = None


class _Commit(Struct):
    message: str | None = None
    added: list[str] | None = None
    removed: list[str] | None = None
    modified: list[str] | None = None

    @property
    def configures(self) -> bool:
        if self.added is None or self.removed is None or self.modified is None:
            return True
        return any(path in files for files in (self.added, self.removed, self.modified) for path in PATHS)


class _Head(Struct):
    sha: str
    repo: _Id | None = None


class _Issue(Struct):
    number: int
    pull_request: dict[str, Any] | None = None


class _CommentRaw(Struct):
    id: int
    created_at: datetime
    body: str | None = None


class _PullRequest(Struct):
    number: int
    head: _Head


class _Suite(Struct):
    head_sha: str


class _CheckRun(Struct):
    head_sha: str
    external_id: str | None = None
    pull_requests: list[dict[str, Any]] | None = None


class _Requested(Struct):
    identifier: str | None = None


class _Installation(Struct):
    id: int
    account: _User | None = None


class _Payload(Struct):
    """The union of what the handled deliveries carry; each event checks for its own."""

    action: str | None = None
    ref: str | None = None
    after: str | None = None
    deleted: bool | None = None
    created: bool | None = None
    forced: bool | None = None
    repository: _Repo | None = None
    repositories: list[_Repo] | None = None
    repositories_added: list[_Repo] | None = None
    repositories_removed: list[_Repo] | None = None
    sender: _User | None = None
    pusher: _User | None = None
    head_commit: _Commit | None = None
    commits: list[_Commit] | None = None
    installation: _Installation | None = None
    issue: _Issue | None = None
    comment: _CommentRaw | None = None
    pull_request: _PullRequest | None = None
    check_run: _CheckRun | None = None
    check_suite: _Suite | None = None
    requested_action: _Requested | None = None


class _Object(Struct):
    """Of deliveries that nobody handles no more is asked."""


_PAYLOAD = Decoder(_Payload, strict=False)
_OBJECT = Decoder(_Object)
"""What is not asked for is walked past: a push is read in a tenth of the time that all of it would take."""


def parse(name: str, delivery: str, body: bytes, received_at: float) -> Event | None:
    """The event that a delivery means to WhaleRay; None for all that it doesn't act on. Raises Malformed."""
    make = _MAKERS.get(name)
    try:
        if make is None:
            _read(body, _OBJECT)
            return None
        return make(_read(body, _PAYLOAD), {"delivery": delivery, "received_at": received_at})
    except ValidationError as error:
        _whole(body)
        log.warning("a delivery lacks what its event needs", kind=name, delivery=delivery, missing=str(error))
        return None


def _read(body: bytes, decoder: Decoder[S]) -> S:
    try:
        return decoder.decode(body)
    except ValidationError:
        raise
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return convert(_whole(body), decoder.type, strict=False)  # half a surrogate, and what else Python lets pass


def _whole(body: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if not isinstance(raw, dict):
        raise Malformed("the body is not a JSON object")
    return raw


def _first_line(text: str | None) -> str:
    return (text or "").split("\n", 1)[0][:200]


def _repository(raw: _Repo, installation_id: int) -> Repository:
    named = (raw.owner.login or raw.owner.name) if raw.owner else None
    owner = named or (raw.full_name or "").partition("/")[0]
    return Repository(
        id=raw.id,
        owner=owner,
        name=raw.name,
        installation_id=installation_id,
        default_branch="main" if raw.default_branch is None else raw.default_branch,
        private=bool(raw.private),
        html_url=raw.html_url or "",
    )


def _base(p: _Payload, base: dict[str, Any]) -> dict[str, Any] | None:
    if p.repository is None or p.installation is None:
        return None
    return base | {
        "repository": _repository(p.repository, p.installation.id),
        "sender": (p.sender.login or "") if p.sender else "",
        "sender_is_bot": p.sender is not None and p.sender.type == "Bot",
    }


def _push(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or not p.ref or not p.ref.startswith("refs/heads/"):
        return None
    return Push(
        **common,
        branch=p.ref.removeprefix("refs/heads/"),
        after=p.after or "",
        deleted=bool(p.deleted),
        message=_first_line(p.head_commit.message) if p.head_commit else "",
        pusher=(p.pusher.name or p.pusher.login or "") if p.pusher else "",
        configured=_may_configure(p),
    )


def _may_configure(p: _Payload) -> bool:
    """A delivery lists the commits that came in: not those that a forced push took away, nor more than the limit."""
    if p.created or p.forced or not p.commits or len(p.commits) >= LISTED_COMMITS:
        return True
    return any(commit.configures for commit in p.commits)


def _comment(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.action != "created" or p.issue is None or p.comment is None:
        return None
    body = p.comment.body or ""
    if "/whaleray" not in body:
        return None
    return Comment(
        **common,
        issue=p.issue.number,
        is_pull_request=p.issue.pull_request is not None,
        comment_id=p.comment.id,
        body=body,
        created_at=p.comment.created_at.timestamp(),
    )


def _check_run(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.check_run is None or p.action not in ("rerequested", "requested_action"):
        return None
    return CheckRunAction(
        **common,
        action=p.action,
        external_id=p.check_run.external_id or "",
        head_sha=p.check_run.head_sha,
        identifier=(p.requested_action.identifier or "") if p.requested_action else "",
        pull_requests=tuple(n for pr in p.check_run.pull_requests or () if isinstance(n := pr.get("number"), int)),
    )


def _check_suite(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.check_suite is None or p.action != "rerequested":
        return None
    return CheckSuiteRerun(**common, head_sha=p.check_suite.head_sha)


def _pull_request(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.pull_request is None:
        return None
    pr = p.pull_request
    return PullRequestChanged(
        **common,
        action=p.action or "",
        number=pr.number,
        head_sha=pr.head.sha,
        head_repository_id=pr.head.repo.id if pr.head.repo else 0,
    )


def _installation(p: _Payload, base: dict[str, Any]) -> Event | None:
    if p.installation is None or p.installation.account is None:
        return None
    # `repositories` is what the installation covers, also when it ends: only at first are they news.
    added = [*(p.repositories_added or ()), *((p.repositories or ()) if p.action == "created" else ())]
    return InstallationChanged(
        **base,
        action=p.action or "",
        installation_id=p.installation.id,
        account=p.installation.account.login or "",
        account_id=p.installation.account.id or 0,
        sender=(p.sender.login or "") if p.sender else "",
        sender_id=(p.sender.id or 0) if p.sender else 0,
        added=tuple(_repository(r, p.installation.id) for r in added),
        removed=tuple(r.id for r in p.repositories_removed or []),
    )


def _repository_changed(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    return RepositoryChanged(**common, action=p.action or "") if common else None


_MAKERS = {
    "push": _push,
    "issue_comment": _comment,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "pull_request": _pull_request,
    "installation": _installation,
    "installation_repositories": _installation,
    "repository": _repository_changed,
}
HANDLED = frozenset(_MAKERS)
"""Names of the deliveries that handlers act on; app.yml is held against these by a test."""
