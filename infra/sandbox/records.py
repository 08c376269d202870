"""What there is in the sandbox: people, repositories, Apps, and what happened in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from infra.sandbox.git import Bare, Person

PERMISSIONS = ("read", "triage", "write", "maintain", "admin")
"""From least to most."""


@dataclass(eq=False)
class Account:
    id: int
    login: str
    type: Literal["User", "Organization", "Bot"]
    created_at: float

    @property
    def person(self) -> Person:
        return Person(self.login, f"{self.id}+{self.login}@users.noreply.sandbox.invalid")


@dataclass(eq=False)
class App:
    id: int
    slug: str
    name: str
    owner: Account
    bot: Account
    private_key_pem: str
    public_key_pem: str
    webhook_url: str
    webhook_secret: str
    client_id: str
    client_secret: str
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: float
    description: str = ""
    external_url: str = ""
    callback_urls: tuple[str, ...] = ()

    @property
    def app_id(self) -> int:
        return self.id


@dataclass(eq=False)
class Installation:
    id: int
    app: App
    account: Account
    repository_ids: set[int]
    permissions: dict[str, str]
    created_at: float
    every: bool = False
    """All repositories of the account, also those to come."""
    suspended_at: float | None = None
    suspended_by: Account | None = None

    def covers(self, repository: Repository) -> bool:
        same = repository.owner is self.account
        return same and (self.every or repository.id in self.repository_ids)


@dataclass(eq=False)
class Token:
    value: str
    installation: Installation
    permissions: dict[str, str]
    expires_at: float
    repository_ids: frozenset[int] | None = None
    """None: all that the installation covers."""


@dataclass(frozen=True)
class Grant:
    """What somebody has let an App know; see `infra.sandbox.signin`."""

    app: App
    user: Account
    redirect_uri: str
    challenge: str
    expires_at: float


@dataclass(frozen=True)
class UserToken:
    user: Account
    app: App
    expires_at: float


@dataclass(eq=False)
class Reaction:
    id: int
    user: Account
    content: str
    created_at: float


@dataclass(eq=False)
class Comment:
    id: int
    issue: int
    user: Account
    body: str
    created_at: float
    updated_at: float
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)
    """Earlier bodies, oldest first: GitHub keeps them for everyone to read."""


@dataclass(eq=False)
class PullRequest:
    id: int
    number: int
    title: str
    body: str
    user: Account
    head_ref: str
    head_repository: Repository | None
    head_sha: str
    base_ref: str
    base_sha: str
    created_at: float
    updated_at: float
    state: Literal["open", "closed"] = "open"
    closed_at: float | None = None
    merged_at: float | None = None
    merged_by: Account | None = None
    merge_sha: str | None = None


@dataclass(eq=False)
class CheckSuite:
    id: int
    app: App
    head_sha: str
    head_branch: str | None
    created_at: float
    runs: list[CheckRun] = field(default_factory=list)

    @property
    def status(self) -> str:
        if not self.runs:
            return "queued"
        return "completed" if all(run.status == "completed" for run in self.runs) else "in_progress"

    @property
    def conclusion(self) -> str | None:
        if self.status != "completed":
            return None
        given = [run.conclusion or "neutral" for run in self.runs]
        order = ("action_required", "timed_out", "failure", "cancelled", "stale", "success", "neutral", "skipped")
        return min(given, key=order.index)


@dataclass(frozen=True)
class CheckMoment:
    """What a check run showed after one request."""

    at: float
    status: str
    conclusion: str | None
    title: str
    summary: str
    text: str
    actions: tuple[str, ...]
    """The identifiers of its buttons."""


@dataclass(eq=False)
class CheckRun:
    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    external_id: str = ""
    details_url: str = ""
    status: str = "queued"
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
    history: list[CheckMoment] = field(default_factory=list)


@dataclass(eq=False)
class DeploymentStatus:
    id: int
    state: str
    description: str
    environment_url: str
    log_url: str
    environment: str
    creator: Account
    created_at: float


@dataclass(eq=False)
class Deployment:
    id: int
    sha: str
    ref: str
    task: str
    payload: Any
    environment: str
    description: str
    creator: Account
    app: App | None
    transient: bool
    production: bool
    created_at: float
    statuses: list[DeploymentStatus] = field(default_factory=list)


@dataclass(eq=False)
class Activity:
    """One line of the repository's activity list."""

    id: int
    ref: str
    before: str
    after: str
    kind: str
    actor: Account
    at: float


@dataclass(eq=False)
class Repository:
    id: int
    owner: Account
    name: str
    git: Bare
    created_at: float
    default_branch: str = "main"
    private: bool = False
    archived: bool = False
    pushed_at: float = 0.0
    description: str = ""
    fork_of: Repository | None = None
    grants: dict[str, str] = field(default_factory=dict)
    """Login in lower case -> permission."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    suites: dict[int, CheckSuite] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    activity: list[Activity] = field(default_factory=list)
    known_refs: dict[str, str] = field(default_factory=dict)
    """Refs as they were when last looked at: what a push has changed is the difference."""

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def permission(self, account: Account) -> str | None:
        """None: not even read."""
        if account is self.owner:
            return "admin"
        granted = self.grants.get(account.login.lower())
        return granted or (None if self.private else "read")

    def may(self, account: Account, permission: str) -> bool:
        has = self.permission(account)
        return has is not None and PERMISSIONS.index(has) >= PERMISSIONS.index(permission)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
