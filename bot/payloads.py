"""GitHub's JSON into our events, tolerantly: only what we need is read, and what lacks it is no event of ours."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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

LISTED_COMMITS = 2048
"""GitHub's documentation of `push`: at most this many commits are listed."""


class Malformed(Exception):
    """The body is not a JSON object."""


class _Raw(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """GitHub says `null` for many a thing that isn't there."""
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


class _User(_Raw):
    login: str = ""
    name: str = ""
    id: int = 0
    type: str = "User"


class _Id(_Raw):
    id: int


class _Repo(_Raw):
    id: int
    name: str
    full_name: str = ""
    owner: _User = _User()
    default_branch: str = "main"
    private: bool = False
    html_url: str = ""


class _Commit(_Raw):
    id: str = ""
    message: str = ""
    added: list[str] | None = None
    removed: list[str] | None = None
    modified: list[str] | None = None

    @property
    def configures(self) -> bool:
        if self.added is None or self.removed is None or self.modified is None:
            return True
        return any(path in files for files in (self.added, self.removed, self.modified) for path in PATHS)


class _Head(_Raw):
    sha: str
    ref: str = ""
    repo: _Id | None = None


class _Issue(_Raw):
    number: int
    pull_request: dict[str, Any] | None = None


class _CommentRaw(_Raw):
    id: int
    body: str = ""
    created_at: datetime


class _PullRequest(_Raw):
    number: int
    head: _Head
    title: str = ""
    merged: bool = False
    merge_commit_sha: str = ""


class _Suite(_Raw):
    head_sha: str
    head_branch: str = ""


class _CheckRun(_Raw):
    id: int
    head_sha: str
    external_id: str = ""
    pull_requests: list[dict[str, Any]] = Field(default_factory=list)


class _Requested(_Raw):
    identifier: str = ""


class _Installation(_Raw):
    id: int
    account: _User | None = None


class _Payload(_Raw):
    """The union of what the handled deliveries carry; each event checks for its own."""

    action: str = ""
    ref: str = ""
    before: str = ""
    after: str = ""
    deleted: bool = False
    created: bool = False
    forced: bool = False
    repository: _Repo | None = None
    repositories: list[_Repo] | None = None
    repositories_added: list[_Repo] | None = None
    repositories_removed: list[_Repo] | None = None
    sender: _User = _User()
    pusher: _User | None = None
    head_commit: _Commit | None = None
    commits: list[_Commit] = Field(default_factory=list)
    installation: _Installation | None = None
    issue: _Issue | None = None
    comment: _CommentRaw | None = None
    pull_request: _PullRequest | None = None
    check_run: _CheckRun | None = None
    check_suite: _Suite | None = None
    requested_action: _Requested | None = None


def parse(name: str, delivery: str, body: bytes, received_at: float) -> Event | None:
    """The event that a delivery means to WhaleRay; None for all that it doesn't act on. Raises Malformed."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if not isinstance(raw, dict):
        raise Malformed("the body is not a JSON object")
    make = _MAKERS.get(name)
    if make is None:
        return None
    try:
        return make(_Payload.model_validate(raw), {"delivery": delivery, "received_at": received_at})
    except ValidationError as error:
        missing = [".".join(map(str, each["loc"])) for each in error.errors(include_input=False)]
        log.warning("a delivery lacks what its event needs", name=name, delivery=delivery, missing=missing[:10])
        return None


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0][:200]


def _repository(raw: _Repo, installation_id: int) -> Repository:
    owner = raw.owner.login or raw.owner.name or raw.full_name.partition("/")[0]
    return Repository(
        id=raw.id,
        owner=owner,
        name=raw.name,
        installation_id=installation_id,
        default_branch=raw.default_branch,
        private=raw.private,
        html_url=raw.html_url,
    )


def _base(p: _Payload, base: dict[str, Any]) -> dict[str, Any] | None:
    if p.repository is None or p.installation is None:
        return None
    return base | {
        "repository": _repository(p.repository, p.installation.id),
        "sender": p.sender.login,
        "sender_is_bot": p.sender.type == "Bot",
    }


def _push(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or not p.ref.startswith("refs/heads/"):
        return None
    return Push(
        **common,
        branch=p.ref.removeprefix("refs/heads/"),
        before=p.before,
        after=p.after,
        deleted=p.deleted,
        message=_first_line(p.head_commit.message) if p.head_commit else "",
        pusher=(p.pusher.name or p.pusher.login) if p.pusher else "",
        commits=tuple(c.id for c in p.commits[-50:]),
        configured=_may_configure(p),
    )


def _may_configure(p: _Payload) -> bool:
    """A delivery lists the commits that came in: not those that a forced push took away, nor more than the limit."""
    unlisted = p.created or p.forced or not p.commits or len(p.commits) >= LISTED_COMMITS
    return unlisted or any(commit.configures for commit in p.commits)


def _comment(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.action != "created" or p.issue is None or p.comment is None:
        return None
    body = p.comment.body
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
        check_run_id=p.check_run.id,
        external_id=p.check_run.external_id,
        head_sha=p.check_run.head_sha,
        identifier=p.requested_action.identifier if p.requested_action else "",
        pull_requests=tuple(n for pr in p.check_run.pull_requests if isinstance(n := pr.get("number"), int)),
    )


def _check_suite(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.check_suite is None or p.action != "rerequested":
        return None
    return CheckSuiteRerun(**common, head_sha=p.check_suite.head_sha, head_branch=p.check_suite.head_branch)


def _pull_request(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    if common is None or p.pull_request is None:
        return None
    pr = p.pull_request
    return PullRequestChanged(
        **common,
        action=p.action,
        number=pr.number,
        head_sha=pr.head.sha,
        head_ref=pr.head.ref,
        head_repository_id=pr.head.repo.id if pr.head.repo else 0,
        title=pr.title,
        merged=pr.merged,
        merge_sha=pr.merge_commit_sha,
    )


def _installation(p: _Payload, base: dict[str, Any]) -> Event | None:
    if p.installation is None or p.installation.account is None:
        return None
    # `repositories` is what the installation covers, also when it ends: only at first are they news.
    added = [*(p.repositories_added or ()), *((p.repositories or ()) if p.action == "created" else ())]
    return InstallationChanged(
        **base,
        action=p.action,
        installation_id=p.installation.id,
        account=p.installation.account.login,
        account_id=p.installation.account.id,
        sender=p.sender.login,
        sender_id=p.sender.id,
        added=tuple(_repository(r, p.installation.id) for r in added),
        removed=tuple(r.id for r in p.repositories_removed or []),
    )


def _repository_changed(p: _Payload, base: dict[str, Any]) -> Event | None:
    common = _base(p, base)
    return RepositoryChanged(**common, action=p.action) if common else None


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
