"""What follows when refs move: webhooks, check suites, pull requests that are updated, merged or closed."""

from __future__ import annotations

from infra.sandbox.api.checks import suite_for
from infra.sandbox.events import Events
from infra.sandbox.git import ZERO
from infra.sandbox.records import Account, Activity, PullRequest, Repository
from infra.sandbox.world import World

_KINDS = ("refs/heads/", "refs/tags/")


class Pushes:
    def __init__(self, world: World, events: Events) -> None:
        self._world = world
        self._events = events

    def remember(self, repository: Repository) -> None:
        """Take the refs as they are for known: nothing is said about them."""
        repository.known_refs = self._refs(repository)

    def look(self, repository: Repository, by: Account) -> None:
        """Say what has changed since the last look. Branches come before tags, as pushed."""
        before, now = repository.known_refs, self._refs(repository)
        repository.known_refs = now
        for ref in sorted(before.keys() | now.keys()):
            old, new = before.get(ref, ZERO), now.get(ref, ZERO)
            if old != new:
                self._moved(repository, ref, old, new, by)

    def _refs(self, repository: Repository) -> dict[str, str]:
        return {ref: sha for ref, sha in repository.git.refs().items() if ref.startswith(_KINDS)}

    def _moved(self, repository: Repository, ref: str, old: str, new: str, by: Account) -> None:
        now = self._world.now()
        repository.pushed_at = now
        if old == ZERO:
            kind = "branch_creation"
            self._events.ref("create", repository, ref, by)
        elif new == ZERO:
            kind = "branch_deletion"
            self._events.ref("delete", repository, ref, by)
        else:
            kind = "push" if repository.git.is_ancestor(old, new) else "force_push"
        if ref.startswith("refs/heads/"):
            number = self._world.new_id("activity")
            repository.activity.append(Activity(number, ref, old, new, kind, by, now))
        self._events.push(repository, ref, old, new, by)
        if ref.startswith("refs/heads/"):
            branch = ref.removeprefix("refs/heads/")
            if new != ZERO:
                self._suites(repository, branch, new, by)
            self._pulls_from(repository, branch, new, by)
            if new != ZERO:
                self._pulls_into(repository, branch, new, by)

    def _suites(self, repository: Repository, branch: str, sha: str, by: Account) -> None:
        """GitHub opens a suite for each App that may write checks, and tells it."""
        for installation in self._world.installations_on(repository):
            if installation.permissions.get("checks") == "write":
                fresh = not any(s.app is installation.app and s.head_sha == sha for s in repository.suites.values())
                suite = suite_for(self._world, repository, installation.app, sha, branch)
                if fresh:
                    self._events.check_suite("requested", repository, suite, by)

    def _pulls_from(self, head: Repository, branch: str, sha: str, by: Account) -> None:
        for base in list(self._world.repositories.values()):
            for pull in base.pulls.values():
                if pull.state != "open" or pull.head_repository is not head or pull.head_ref != branch:
                    continue
                if sha == ZERO:
                    self.close(base, pull, by)
                    continue
                before, pull.head_sha = pull.head_sha, sha
                pull.updated_at = self._world.now()
                self.take_head(base, pull)
                self._events.pull_request("synchronize", base, pull, by, before=before, after=sha)

    def _pulls_into(self, base: Repository, branch: str, sha: str, by: Account) -> None:
        """A pull request whose head the base now holds counts as merged."""
        for pull in base.pulls.values():
            if pull.state == "open" and pull.base_ref == branch and base.git.is_ancestor(pull.head_sha, sha):
                self.merged(base, pull, sha, by)

    def take_head(self, base: Repository, pull: PullRequest) -> None:
        """The head's commits are in the base repository too, under `refs/pull/N/head`: also a fork's."""
        ref = f"refs/pull/{pull.number}/head"
        if pull.head_repository is None or pull.head_repository is base:
            base.git.set_ref(ref, pull.head_sha)
        else:
            base.git.fetch(pull.head_repository.git, pull.head_sha, ref)

    def close(self, repository: Repository, pull: PullRequest, by: Account) -> None:
        pull.state = "closed"
        pull.closed_at = pull.updated_at = self._world.now()
        self._events.pull_request("closed", repository, pull, by)

    def merged(self, repository: Repository, pull: PullRequest, sha: str, by: Account) -> None:
        pull.merged_at, pull.merged_by, pull.merge_sha = self._world.now(), by, sha
        self.close(repository, pull, by)
