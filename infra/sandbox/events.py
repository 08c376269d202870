"""Webhook payloads, made of the sandbox's state when something happens."""

from __future__ import annotations

from typing import Any

from infra.sandbox.git import ZERO
from infra.sandbox.hooks import Hooks
from infra.sandbox.records import Account, CheckRun, CheckSuite, Comment, Installation, PullRequest, Repository
from infra.sandbox.shapes import Shape, Shapes
from infra.sandbox.world import World

_FOR_ITS_APP = frozenset({"requested", "rerequested", "requested_action"})


class Events:
    """Each method says that something has happened, to every App that listens."""

    def __init__(self, world: World, shapes: Shapes, hooks: Hooks) -> None:
        self._world = world
        self._shapes = shapes
        self._hooks = hooks

    def push(self, repository: Repository, ref: str, before: str, after: str, by: Account) -> None:
        git = repository.git
        created, deleted = before == ZERO, after == ZERO
        commits = [] if deleted else git.between(before, after)
        home = f"{self._shapes.web}/{repository.full_name}"
        listed = [self._pushed_commit(repository, each.sha) for each in commits]
        head = None if deleted else self._pushed_commit(repository, git.resolve(after) or after)
        self._emit(
            "push",
            repository,
            by,
            {
                "ref": ref,
                "before": before,
                "after": after,
                "pusher": {"name": by.login, "email": by.person.email},
                "created": created,
                "deleted": deleted,
                "forced": not (created or deleted) and not git.is_ancestor(before, after),
                "base_ref": None,
                "compare": f"{home}/compare/{before[:12]}...{after[:12]}",
                "commits": listed if ref.startswith("refs/heads/") else [],
                "head_commit": head,
            },
            # GitHub writes this one's repository in an older form.
            repository={
                "owner": {"name": repository.owner.login, "email": None, **self._shapes.account(repository.owner)},
                "created_at": int(repository.created_at),
                "pushed_at": int(repository.pushed_at),
                "stargazers": 0,
                "master_branch": repository.default_branch,
            },
        )

    def _pushed_commit(self, repository: Repository, sha: str) -> Shape | None:
        commit = repository.git.read_commit(sha)
        if commit is None:
            return None
        who = {
            "author": {"name": commit.author.name, "email": commit.author.email, "username": commit.author.name},
            "committer": {
                "name": commit.committer.name,
                "email": commit.committer.email,
                "username": commit.committer.name,
            },
        }
        url = f"{self._shapes.web}/{repository.full_name}/commit/{commit.sha}"
        more = {"distinct": True, "url": url, **repository.git.changed(commit.sha)}
        return {**self._shapes.head_commit(commit), **who, **more}

    def ref(self, kind: str, repository: Repository, ref: str, by: Account) -> None:
        """`kind`: `create` or `delete`, of a branch or tag."""
        branch = ref.startswith("refs/heads/")
        self._emit(
            kind,
            repository,
            by,
            {
                "ref": ref.split("/", 2)[2],
                "ref_type": "branch" if branch else "tag",
                "master_branch": repository.default_branch,
                "description": None,
                "pusher_type": "user",
            },
        )

    def pull_request(self, action: str, repository: Repository, pull: PullRequest, by: Account, **more: Any) -> None:
        shape = {"number": pull.number, "pull_request": self._shapes.pull(repository, pull), **more}
        self._emit("pull_request", repository, by, {"action": action, **shape})

    def issue_comment(
        self, action: str, repository: Repository, pull: PullRequest, comment: Comment, by: Account, **more: Any
    ) -> None:
        self._emit(
            "issue_comment",
            repository,
            by,
            {
                "action": action,
                "issue": self._shapes.issue(repository, pull),
                "comment": self._shapes.comment(repository, comment),
                **more,
            },
        )

    def check_run(self, action: str, repository: Repository, run: CheckRun, by: Account, **more: Any) -> None:
        """Every App hears what checks say; a button or a re-run is for the one that made the check."""
        suite = self._shapes.check_suite(repository, run.suite)
        shape = {**self._shapes.check_run(repository, run), "check_suite": suite}
        payload = {"action": action, "check_run": shape, **more}
        only = run.suite if action in _FOR_ITS_APP else None
        self._emit("check_run", repository, by, payload, only=only)

    def check_suite(self, action: str, repository: Repository, suite: CheckSuite, by: Account) -> None:
        shape = self._shapes.check_suite(repository, suite)
        only = suite if action in _FOR_ITS_APP else None
        self._emit("check_suite", repository, by, {"action": action, "check_suite": shape}, only=only)

    def repository(self, action: str, repository: Repository, by: Account, **more: Any) -> None:
        self._emit("repository", repository, by, {"action": action, **more})

    def installation(self, action: str, installation: Installation, by: Account) -> None:
        payload: dict[str, Any] = {
            "action": action,
            "installation": self._shapes.installation(installation),
            "repositories": [self._shapes.repository_brief(each) for each in self._covered(installation)],
            "requester": None,
            "sender": self._shapes.account(by),
        }
        self._hooks.send("installation", installation, payload)

    def installation_repositories(
        self, installation: Installation, added: list[Repository], removed: list[Repository], by: Account
    ) -> None:
        brief = self._shapes.repository_brief
        payload = {
            "action": "added" if added else "removed",
            "installation": self._shapes.installation(installation),
            "repository_selection": "all" if installation.every else "selected",
            "repositories_added": [brief(each) for each in added],
            "repositories_removed": [brief(each) for each in removed],
            "requester": None,
            "sender": self._shapes.account(by),
        }
        self._hooks.send("installation_repositories", installation, payload)

    def _covered(self, installation: Installation) -> list[Repository]:
        return [each for each in self._world.repositories.values() if installation.covers(each)]

    def _emit(
        self,
        event: str,
        of: Repository,
        by: Account,
        payload: Shape,
        *,
        repository: Shape | None = None,
        only: CheckSuite | None = None,
    ) -> None:
        body: Shape = {
            **payload,
            "repository": {**self._shapes.repository(of), **(repository or {})},
            "sender": self._shapes.account(by),
        }
        if of.owner.type == "Organization":
            body["organization"] = self._organisation(of.owner)
        self._hooks.emit(event, of, body, only.app if only else None)

    def _organisation(self, account: Account) -> Shape:
        base = f"{self._shapes.api}/orgs/{account.login}"
        links = ("repos", "events", "hooks", "issues")
        return {
            "login": account.login,
            "id": account.id,
            "node_id": self._shapes.account(account)["node_id"],
            "url": base,
            **{f"{name}_url": f"{base}/{name}" for name in links},
            "members_url": f"{base}/members{{/member}}",
            "public_members_url": f"{base}/public_members{{/member}}",
            "avatar_url": self._shapes.account(account)["avatar_url"],
            "description": "",
        }
