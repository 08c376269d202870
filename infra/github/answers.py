"""The parts of GitHub's answers that WhaleRay reads, tolerantly: githubkit's own models refuse many real answers and
cost up to a second at their first use."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from bot.errors import Outage

T = TypeVar("T")


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
"""GitHub says `null` for many a text that is empty."""


class Id(Answer):
    id: int


class Account(Answer):
    login: Text = ""
    id: int = 0
    type: Text = ""


class RepositoryAnswer(Answer):
    id: int
    name: str
    owner: Account
    default_branch: Text = "main"
    private: bool = False
    html_url: Text = ""


class Repositories(Answer):
    repositories: list[RepositoryAnswer] = Field(default_factory=list)


class Sha(Answer):
    sha: str


class Ref(Answer):
    object: Sha


class CommitDetail(Answer):
    message: Text = ""


class CommitAnswer(Answer):
    sha: str
    commit: CommitDetail = CommitDetail()


class Entry(Answer):
    path: str
    sha: Text = ""
    mode: str = "100644"
    size: int | None = None


class TreeAnswer(Answer):
    tree: list[Entry] = Field(default_factory=list)
    truncated: bool = False


class Blob(Answer):
    content: Text = ""
    encoding: str = "base64"


class Head(Answer):
    sha: str
    ref: Text = ""
    repo: Id | None = None
    """None when the fork has been deleted."""


class PullRequestAnswer(Answer):
    number: int
    head: Head


class Permission(Answer):
    permission: Text = "none"
    role_name: Text = ""


class Pull(Answer):
    number: int
    merged_at: datetime | None = None
    merge_commit_sha: Text = ""


class App(Answer):
    id: int = 0
    slug: Text = ""
    name: Text = ""
    html_url: Text = ""


class CheckRunAnswer(Answer):
    id: int
    name: Text = ""
    status: Text = ""
    conclusion: Text = ""
    external_id: Text = ""
    app: App | None = None


class CheckRuns(Answer):
    check_runs: list[CheckRunAnswer] = Field(default_factory=list)


class AnnotationAnswer(Answer):
    path: Text = ""
    start_line: int | None = None
    message: Text = ""
    title: Text = ""


class CommentAnswer(Answer):
    id: int
    body: Text = ""
    user: Account | None = None
    performed_via_github_app: App | None = None


def _object(payload: object) -> object:
    """A deployment's payload is an object, or the text of one."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return {}
    return payload if isinstance(payload, dict) else {}


class DeploymentAnswer(Answer):
    id: int
    payload: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(default_factory=dict)
    performed_via_github_app: App | None = None


class StatusAnswer(Answer):
    state: Text = ""
    environment_url: Text = ""
    log_url: Text = ""
    description: Text = ""


class DeliveryAnswer(Answer):
    id: int
    guid: str
    delivered_at: datetime
    status_code: int | None = None

    @property
    def succeeded(self) -> bool:
        return 200 <= (self.status_code or 0) < 300


class InstallationAnswer(Answer):
    id: int
    account: Account | None = None
    suspended_at: datetime | None = None


class Token(Answer):
    token: str
    expires_at: str


def read(kind: type[T] | TypeAdapter[T], response: httpx.Response) -> T:
    """The answer as `kind`. Raises Outage for one that is no such thing (a proxy's error page, a cut-off body)."""
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        raise Outage(
            f"GitHub's answer to {response.request.method} {response.request.url.path} could not be read.",
            f"{error.error_count()} of its values are not as documented.",
        ) from error
