"""What the pages show, gathered from the world. Callers hold its lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from infra.sandbox.git import CommitObject
from infra.sandbox.records import Account, App, CheckRun, Comment, Deployment, DeploymentStatus, PullRequest, Repository
from infra.sandbox.world import World

Mark = Literal["success", "failure", "pending", "neutral", "none"]
_BAD = frozenset({"failure", "timed_out", "action_required"})
_GREY = frozenset({"neutral", "skipped", "cancelled", "stale"})


def mark_of(run: CheckRun) -> Mark:
    """Its sign: a tick, a cross, a dot, a square."""
    if run.status != "completed":
        return "pending"
    if run.conclusion in _BAD:
        return "failure"
    return "neutral" if run.conclusion in _GREY else "success"


def latest(runs: Iterable[CheckRun]) -> list[CheckRun]:
    """The newest of each App and name: the ones that count."""
    newest: dict[tuple[int, str], CheckRun] = {}
    for run in runs:
        newest[run.suite.app.id, run.name] = run
    return list(newest.values())


def overall(runs: Sequence[CheckRun]) -> Mark:
    """The sign of a commit."""
    marks = [mark_of(run) for run in latest(runs)]
    order: tuple[Mark, ...] = ("failure", "pending", "success", "neutral")
    return next((mark for mark in order if mark in marks), "none")


@dataclass(frozen=True)
class CommitView:
    commit: CommitObject
    author: Account | None
    runs: Sequence[CheckRun]

    @property
    def mark(self) -> Mark:
        return overall(self.runs)

    @property
    def latest(self) -> list[CheckRun]:
        return latest(self.runs)


@dataclass(frozen=True)
class EnvironmentView:
    """One environment, by its newest deployment; `url` is where the one that is active now answers."""

    name: str
    deployments: Sequence[Deployment]
    """Newest first."""

    @property
    def newest(self) -> Deployment:
        return self.deployments[0]

    @property
    def active(self) -> Deployment | None:
        return next((each for each in self.deployments if state_of(each) == "success"), None)

    @property
    def url(self) -> str:
        return url_of(self.active) if self.active else ""


def state_of(deployment: Deployment) -> str:
    return deployment.statuses[-1].state if deployment.statuses else "waiting"


def url_of(deployment: Deployment) -> str:
    """Only http: nothing else may become a link."""
    urls = [status.environment_url for status in reversed(deployment.statuses) if status.environment_url]
    return urls[0] if urls and urls[0].startswith(("http://", "https://")) else ""


@dataclass(frozen=True)
class Event:
    """One entry of a pull request's time line; exactly one of the last three is set."""

    at: float
    commit: CommitView | None = None
    comment: Comment | None = None
    deployment: tuple[Deployment, DeploymentStatus] | None = None


@dataclass(frozen=True)
class RepositoryView:
    world: World
    repository: Repository

    @cached_property
    def branches(self) -> dict[str, str]:
        """Name -> SHA; the default branch first."""
        heads = self.repository.git.refs("refs/heads/")
        named = {name.removeprefix("refs/heads/"): sha for name, sha in heads.items()}
        default = self.repository.default_branch
        return dict(sorted(named.items(), key=lambda item: (item[0] != default, item[0])))

    def commit(self, revision: str) -> CommitView | None:
        found = self.repository.git.read_commit(revision)
        return self._view(found) if found else None

    def commits(self, branch: str, limit: int = 30) -> list[CommitView]:
        return [self._view(each) for each in self.repository.git.log(f"refs/heads/{branch}", limit)]

    def _view(self, commit: CommitObject) -> CommitView:
        runs = [run for run in self.repository.check_runs.values() if run.head_sha == commit.sha]
        return CommitView(commit, self.world.account(commit.author.name), runs)

    @cached_property
    def environments(self) -> list[EnvironmentView]:
        by_name: dict[str, list[Deployment]] = {}
        for each in reversed(self.repository.deployments.values()):
            by_name.setdefault(each.environment, []).append(each)
        return [EnvironmentView(name, found) for name, found in by_name.items()]

    @cached_property
    def apps(self) -> list[App]:
        return [each.app for each in self.world.installations_on(self.repository)]

    @property
    def open_pulls(self) -> int:
        return sum(pull.state == "open" for pull in self.repository.pulls.values())

    def time_line(self, pull: PullRequest) -> list[Event]:
        """Commits, comments and what was deployed from it, in the order of time."""
        repository = self.repository
        commits = repository.git.between(pull.base_sha, pull.head_sha)
        shas = {each.sha for each in commits}
        events = [Event(max(each.committed_at, pull.created_at), commit=self._view(each)) for each in commits]
        events += [Event(c.created_at, comment=c) for c in repository.comments.values() if c.issue == pull.number]
        events += [
            Event(status.created_at, deployment=(each, status))
            for each in repository.deployments.values()
            if each.sha in shas
            for status in each.statuses
            if status.state == "success"
        ]
        return sorted(events, key=lambda event: event.at)


def reaction_counts(comment: Comment) -> list[tuple[str, int, str]]:
    """Content, how many, and who, of each kind that there is."""
    counts = Counter(each.content for each in comment.reactions)
    who = {kind: ", ".join(r.user.login for r in comment.reactions if r.content == kind) for kind in counts}
    return [(kind, number, who[kind]) for kind, number in counts.items()]
