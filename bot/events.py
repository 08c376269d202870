"""Deliveries, hints and ticks as small frozen types; `bot.payloads` makes them of GitHub's JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.model import Record, Repository


class Delivered(Record):
    """What every delivery from GitHub carries."""

    delivery: str
    received_at: float = 0.0
    repository: Repository
    sender: str = ""
    sender_is_bot: bool = False


class Push(Delivered):
    type: Literal["push"] = "push"
    branch: str
    after: str
    """All zeros when the branch was deleted; see `deleted`."""
    deleted: bool = False
    message: str = ""
    pusher: str = ""
    configured: bool = True
    """Whether `.whaleray.yml` may have changed: False only where the delivery lists all that did."""


class Comment(Delivered):
    type: Literal["comment"] = "comment"
    issue: int
    is_pull_request: bool
    comment_id: int
    body: str
    created_at: float
    """GitHub's time of the comment."""


class CheckRunAction(Delivered):
    type: Literal["check_run"] = "check_run"
    action: Literal["rerequested", "requested_action"]
    external_id: str
    head_sha: str
    identifier: str = ""
    pull_requests: tuple[int, ...] = ()


class CheckSuiteRerun(Delivered):
    type: Literal["check_suite"] = "check_suite"
    head_sha: str


class PullRequestChanged(Delivered):
    type: Literal["pull_request"] = "pull_request"
    action: str
    number: int
    head_sha: str
    head_repository_id: int

    @property
    def from_fork(self) -> bool:
        return self.head_repository_id != self.repository.id


class InstallationChanged(Record):
    type: Literal["installation"] = "installation"
    delivery: str
    received_at: float = 0.0
    action: str
    installation_id: int
    account: str
    account_id: int
    sender: str = ""
    sender_id: int = 0
    added: tuple[Repository, ...] = ()
    removed: tuple[int, ...] = ()


class RepositoryChanged(Delivered):
    type: Literal["repository"] = "repository"
    action: str


class Hint(Record):
    """Something happened to a deployment, or it is due for its next sub-step: look at it."""

    type: Literal["hint"] = "hint"
    deployment: str
    repository_id: int
    received_at: float = 0.0


class Show(Record):
    """Make GitHub show what is stored of a deployment."""

    type: Literal["show"] = "show"
    deployment: str
    repository_id: int
    pr: int | None = None
    """The pull request whose deployments share a comment."""


class Answer(Record):
    """Say something under a comment, once, and mark the comment: the answer is found again by its marker."""

    type: Literal["answer"] = "answer"
    delivery: str
    repository: Repository
    issue: int
    comment_id: int
    body: str = ""
    """Markdown; "" when a reaction says it all."""
    reaction: str = ""
    """`eyes`, `rocket`, `confused` …; "" for none."""


NeutralReason = Literal["offer", "stopped", "locked", "auto_off"]


class Neutral(Record):
    """Show a neutral check on a commit that is not deployed: why not, and the Deploy button."""

    type: Literal["neutral"] = "neutral"
    repository: Repository
    sha: str
    """"": the head of the default branch, which the delivery did not name."""
    reason: NeutralReason
    pr: int | None = None


class Tick(Record):
    """A minute has passed. `number` counts from 0 at the start of the process that ticks: what is due every ten
    minutes is due at start, too."""

    type: Literal["tick"] = "tick"
    at: float
    number: int = 0


Event = Annotated[
    Push
    | Comment
    | CheckRunAction
    | CheckSuiteRerun
    | PullRequestChanged
    | InstallationChanged
    | RepositoryChanged
    | Hint
    | Show
    | Answer
    | Neutral
    | Tick,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def group_of(event: Event) -> str:
    """Order is kept within a group: one repository, one installation, one deployment, or the timer. A delivery that
    has to wait for GitHub holds back its repository's later ones, and no rollout. What is shown of a pull request is
    one group: two deployments at once would each make its comment."""
    match event:
        case Show() if event.pr is not None:
            return f"pull-{event.repository_id}-{event.pr}"
        case Hint() | Show():
            return f"deployment-{event.deployment}"
        case InstallationChanged():
            return f"installation-{event.installation_id}"
        case Tick():
            return "timer"
        case Neutral():
            return f"neutral-{event.repository.id}-{event.sha}"
        case Answer():
            return f"comment-{event.comment_id}"
        case _:
            return str(event.repository.id)
