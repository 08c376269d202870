"""The ports: what WhaleRay needs of the world, as Protocols. Adapters live in `infra`.

Every call may raise `bot.errors.Outage` (put the work back), and `Gone` where the thing asked for no longer exists.
Every call is safe to repeat: a crash before or after any of them must lose and duplicate nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.events import Event
from bot.model import (
    Audit,
    Branch,
    BuildPlan,
    Deployment,
    Diagnosis,
    EngineName,
    Installation,
    LogKind,
    Observation,
    Record,
    Release,
    Repository,
    Service,
    View,
)


class Store(Protocol):
    """The truth. `put_*` with a record's `revision` is a conditional write: it stores `revision + 1`, and raises
    `Conflict` unless the stored revision is the record's own (0: nothing stored yet)."""

    async def installation(self, installation_id: int) -> Installation | None: ...
    async def put_installation(self, installation: Installation) -> None: ...
    async def delete_installation(self, installation_id: int) -> None: ...

    async def service(self, repository_id: int) -> Service | None: ...
    async def service_named(self, service_id: str) -> Service | None: ...
    async def services(self) -> Sequence[Service]: ...
    async def put_service(self, service: Service) -> Service:
        """Also claims `service_id`: `Conflict` when another repository holds it."""
        ...

    async def deployment(self, deployment_id: str) -> Deployment | None: ...
    async def put_deployment(self, deployment: Deployment) -> Deployment: ...
    async def deployments_of(self, repository_id: int, limit: int = 20) -> Sequence[Deployment]:
        """Newest first."""
        ...

    async def in_flight(self) -> Sequence[Deployment]:
        """All that have not ended."""
        ...

    async def view(self, deployment_id: str) -> View: ...
    async def put_view(self, view: View) -> None: ...

    async def branch(self, repository_id: int, ref: str) -> Branch | None: ...
    async def put_branch(self, branch: Branch) -> None: ...

    async def put_audit(self, audit: Audit) -> None: ...
    async def audits(self, service_id: str, limit: int = 20) -> Sequence[Audit]:
        """Newest first."""
        ...

    async def once(self, key: str, by: str = "") -> bool:
        """True for whoever asks for `key` first, however often; False for all others. (One refusal per person and pull
        request, also when the job that says it is tried again.)"""
        ...


class Job(Record):
    """One event, leased. `receipt` proves the lease; `attempts` counts leases, this one included."""

    id: str
    event: Event
    group: str
    receipt: str
    attempts: int
    sent_at: float


class Queue(Protocol):
    """At-least-once, in order within a group, one lease per group at a time; dead letters after too many attempts."""

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        """Durable when it returns. `key` names the message: one that is waiting under the same key is kept once (the
        earlier due time wins), and a dead letter of that key is revived. One that is leased or done counts as absent,
        save that the inbox remembers a delivery's key for 3 days: sent again it is dropped."""
        ...

    async def lease(self, *, wait: float) -> Job | None:
        """The next due job, waiting up to `wait` seconds for one."""
        ...

    async def ack(self, job: Job) -> None: ...
    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        """Put it back, due in `after` seconds. `count=False`: an outage, which uses up no attempt."""
        ...

    async def depth(self) -> Mapping[Literal["waiting", "leased", "dead"], int]: ...


class Source(Record):
    """Where a commit's source is fetched from: the API's tarball, by a token for that repository's contents only."""

    url: str
    token: str
    sha: str

    def __repr__(self) -> str:
        return f"Source(url={self.url!r}, sha={self.sha!r})"


class Engine(Protocol):
    """Builds and runs. Every call returns within 10 s and is idempotent by deployment id."""

    async def start_build(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> None: ...

    async def start_rollout(
        self,
        deployment: Deployment,
        service: Service,
        plan: BuildPlan,
        release: Release,
        env: Mapping[str, str],
    ) -> None:
        """Start `plan.instances` instances of `release` beside whatever runs; nothing is replaced yet."""
        ...

    async def cancel(self, deployment_id: str) -> None:
        """End its build and its instances, for real."""
        ...

    async def scale(self, deployment_id: str, instances: int) -> None:
        """0: SIGTERM, wait, SIGKILL (in the background). More: started again from its release, and from now on
        restarted when they die."""
        ...

    async def remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        """Everything of the service: instances, releases, logs."""
        ...

    async def prune(self, keep: Sequence[str]) -> None:
        """Releases and logs of all deployments but these (and of those that run) may go."""
        ...

    async def hints(self, tell: Callable[[str], Awaitable[None]]) -> None:
        """Call `tell` with a deployment's id whenever something happened to it, until cancelled. Hints may be lost and
        repeated. Returns at once where they come by another way."""
        ...

    async def observe(self, deployment_id: str) -> Observation: ...
    async def log(self, deployment_id: str, kind: LogKind) -> str:
        """The log as far as kept, raw: its reader redacts it. "" when there is none."""
        ...


class Registry(Protocol):
    """Service id -> instance addresses: what the router resolves."""

    async def register(self, service_id: str, addresses: Sequence[str], port: int) -> None:
        """Add these; others stay."""
        ...

    async def deregister(self, service_id: str, addresses: Sequence[str]) -> None: ...
    async def addresses(self, service_id: str) -> Sequence[str]: ...
    async def publish(self, services: Sequence[tuple[str, int]]) -> None:
        """The (service id, port) pairs that the router keeps upstreams for."""
        ...

    async def confirm(self, service_id: str, address: str, health_path: str) -> bool:
        """Whether a request through the router has just been answered by that address."""
        ...

    async def drain_seconds(self) -> float:
        """How long after `deregister` the router may still resolve an address: TTL + `valid` + 1 s."""
        ...


class Extract(Record):
    """The lines that carry the cause, redacted, with their 1-based numbers in the whole log."""

    lines: tuple[tuple[int, str], ...]
    total: int
    whole: bool = False


class Analyst(Protocol):
    @property
    def budget_tokens(self) -> int | None:
        """Tokens of log that it takes at most; None where they cost nothing."""
        ...

    async def diagnose(self, extract: Extract, files: Sequence[str]) -> Diagnosis:
        """`files`: paths in the repository at that commit, to name a source file by its path."""
        ...


class Secrets(Protocol):
    async def get(self, service_id: str) -> Mapping[str, str]: ...
    async def set(self, service_id: str, key: str, value: str) -> None: ...
    async def unset(self, service_id: str, key: str) -> None: ...


class SignIn(Protocol):
    """A person's sign-in with GitHub: who they are, and nothing more."""

    def authorize_url(self, state: str, challenge: str, redirect_uri: str) -> str:
        """Where the person is sent. `challenge`: RFC 7636, S256. Raises SettingsError where it isn't set up."""
        ...

    async def who(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The login. Raises UserError when GitHub refuses."""
        ...


class Commit(Record):
    sha: str
    message: str = ""


class TreeEntry(Record):
    path: str
    sha: str
    mode: str = "100644"
    """`100755` executable, `120000` symlink, `160000` submodule, `040000` directory."""
    size: int = 0


class Tree(Record):
    entries: tuple[TreeEntry, ...]
    truncated: bool = False


class PullRequest(Record):
    number: int
    head_sha: str
    head_ref: str
    head_repository_id: int


class Annotation(Record):
    path: str
    line: int
    level: Literal["failure", "warning", "notice"]
    title: str
    message: str


class Action(Record):
    label: str
    description: str
    identifier: str


class CheckRun(Record):
    """The body of a check run as `render` makes it."""

    head_sha: str
    external_id: str
    status: Literal["queued", "in_progress", "completed"]
    conclusion: str | None = None
    started_at: float | None = None
    completed_at: float | None = None
    details_url: str | None = None
    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()
    actions: tuple[Action, ...] = ()


class GitHub(Protocol):
    """GitHub as one installation sees it. A write that may have arrived is found again and not repeated:
    check run by `external_id`, comment by marker and author, deployment by its payload's id."""

    async def repository(self, installation_id: int, repository_id: int) -> Repository | None: ...
    async def branch_head(self, repo: Repository, branch: str) -> str | None: ...
    async def commit(self, repo: Repository, ref: str) -> Commit | None: ...
    async def tree(self, repo: Repository, sha: str) -> Tree: ...
    async def file(self, repo: Repository, blob_sha: str) -> bytes: ...
    async def source(self, repo: Repository, sha: str) -> Source: ...
    async def pull_request(self, repo: Repository, number: int) -> PullRequest | None: ...
    async def can_write(self, repo: Repository, login: str) -> bool: ...
    async def can_maintain(self, repo: Repository, login: str) -> bool: ...
    async def merged_from(self, repo: Repository, sha: str) -> int | None:
        """The pull request whose merge made that commit."""
        ...

    async def user_id(self, installation_id: int, login: str) -> int | None: ...

    async def other_checks(self, repo: Repository, sha: str) -> Literal["none", "pending", "passed", "failed"]:
        """What the check runs of other Apps on that commit say together."""
        ...

    async def find_check_run(self, repo: Repository, sha: str, external_id: str) -> int | None: ...
    async def create_check_run(self, repo: Repository, check: CheckRun) -> int: ...
    async def update_check_run(self, repo: Repository, check_run_id: int, check: CheckRun) -> None: ...

    async def find_comment(self, repo: Repository, number: int, marker: str) -> int | None: ...
    async def create_comment(self, repo: Repository, number: int, body: str) -> int: ...
    async def update_comment(self, repo: Repository, comment_id: int, body: str) -> None: ...
    async def react(self, repo: Repository, comment_id: int, content: str) -> None: ...

    async def find_deployment(self, repo: Repository, sha: str, deployment_id: str) -> int | None: ...
    async def create_deployment(
        self, repo: Repository, sha: str, environment: str, deployment_id: str, description: str
    ) -> int: ...
    async def set_deployment_status(
        self,
        repo: Repository,
        github_deployment_id: int,
        state: str,
        *,
        environment_url: str = "",
        log_url: str = "",
        description: str = "",
    ) -> None: ...

    async def missed_deliveries(self, since: float) -> Sequence[int]:
        """Ids of deliveries since then (epoch seconds, at most 3 days ago) that never succeeded, oldest first."""
        ...

    async def redeliver(self, delivery_id: int) -> None: ...


@dataclass(frozen=True)
class Ports:
    """The world as `bot` and `handlers` see it; put together in `bot.wiring`."""

    store: Store
    inbox: Queue
    view: Queue
    engine: Engine
    registry: Registry
    github: GitHub
    secrets: Secrets
    analyst: Analyst
    sign_in: SignIn
    clock: Callable[[], float]
    engine_name: EngineName
    services_url: str
    """Where people reach services, without a trailing slash."""
    log_url: Callable[[str], str]
    """Deployment id -> a signed link to its log that expires; "" where there is none."""
    app_log_url: Callable[[str], str]
    """Deployment id -> the page of its application's log, behind a sign-in with GitHub."""
    env_url: Callable[[str], str]
    """Service id -> a signed, short-lived link to the page of its secrets."""
    build_timeout_s: float = 1800
    start_timeout_s: float = 300
    fork_code: bool = True
    """Whether the engine shuts builds in well enough to run a fork's code."""
