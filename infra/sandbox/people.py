"""What people do: push, comment, press a button. Each raises LookupError for what does not exist, and PermissionError
for what GitHub would not let that person do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from infra.sandbox.api.conversation import add_comment, change_comment
from infra.sandbox.events import Events
from infra.sandbox.git import ZERO
from infra.sandbox.hooks import Hooks
from infra.sandbox.pushes import Pushes
from infra.sandbox.records import PERMISSIONS, Account, Comment, PullRequest, Reaction, Repository
from infra.sandbox.shapes import Shapes
from infra.sandbox.world import World


class People:
    """`by` is a login; left out, somebody who may do it does it."""

    def __init__(self, world: World, shapes: Shapes, hooks: Hooks, events: Events, pushes: Pushes) -> None:
        self.world = world
        self._shapes = shapes
        self._hooks = hooks
        self._events = events
        self._pushes = pushes

    def _person(self, repository: Repository, by: str | None, permission: str) -> Account:
        if by is not None:
            person = self.world.user(by)
            if not repository.may(person, permission):
                raise PermissionError(f"{by} has no {permission} permission on {repository.full_name}.")
            return person
        people = [each for each in self.world.accounts.values() if each.type == "User"]
        fits = [each for each in people if repository.may(each, permission)]
        if not fits:
            raise PermissionError(f"Nobody has {permission} permission on {repository.full_name}: grant it first.")
        return max(fits, key=lambda each: PERMISSIONS.index(repository.permission(each) or "read"))

    def _writable(self, full_name: str) -> Repository:
        repository = self.world.repository(full_name)
        if repository.archived:
            raise PermissionError(f"{full_name} is archived, so read-only.")
        return repository

    def push(
        self,
        full_name: str,
        files: Mapping[str, bytes | str],
        *,
        branch: str | None = None,
        message: str = "Change",
        by: str | None = None,
        executable: Collection[str] = (),
        delete: Collection[str] = (),
    ) -> str:
        """One commit with these files changed, pushed; a new branch begins at the default branch. Returns its SHA."""
        with self.world.lock:
            repository = self._writable(full_name)
            person = self._person(repository, by, "write")
            branch = branch or repository.default_branch
            git = repository.git
            base = git.resolve(f"refs/heads/{branch}") or git.resolve(f"refs/heads/{repository.default_branch}")
            sha = git.commit(
                branch,
                {path: content.encode() if isinstance(content, str) else content for path, content in files.items()},
                message,
                person.person,
                int(self.world.now()),
                base=base,
                executable=executable,
                delete=delete,
            )
            self._pushes.look(repository, person)
            return sha

    def reset_branch(self, full_name: str, branch: str, sha: str, *, by: str | None = None) -> None:
        """A forced push: the branch is at `sha` now, whatever it was at."""
        with self.world.lock:
            repository = self._writable(full_name)
            repository.git.set_ref(f"refs/heads/{branch}", sha)
            self._pushes.look(repository, self._person(repository, by, "write"))

    def delete_branch(self, full_name: str, branch: str, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self._writable(full_name)
            if branch == repository.default_branch:
                raise PermissionError("GitHub refuses to delete the default branch.")
            repository.git.delete_ref(f"refs/heads/{branch}")
            self._pushes.look(repository, self._person(repository, by, "write"))

    def push_tag(self, full_name: str, tag: str, sha: str = "", *, by: str | None = None) -> None:
        """A light-weight tag at `sha`, else at the default branch's head."""
        with self.world.lock:
            repository = self._writable(full_name)
            at = repository.git.resolve(sha or f"refs/heads/{repository.default_branch}")
            if at is None:
                raise LookupError(f"{full_name} has no commit {sha}.")
            repository.git.set_ref(f"refs/tags/{tag}", at)
            self._pushes.look(repository, self._person(repository, by, "write"))

    def open_pull_request(
        self,
        full_name: str,
        *,
        head: str,
        title: str,
        by: str | None = None,
        head_repository: str | None = None,
        base: str | None = None,
        body: str = "",
    ) -> int:
        """`head`: a branch of `head_repository` (a fork's full name), else of the repository. Returns its number."""
        with self.world.lock:
            repository = self._writable(full_name)
            person = self._person(repository, by, "read")
            source = self.world.repository(head_repository) if head_repository else repository
            if source is not repository and source.fork_of is not repository:
                raise LookupError(f"{source.full_name} is no fork of {full_name}.")
            base = base or repository.default_branch
            sha, onto = source.git.resolve(f"refs/heads/{head}"), repository.git.resolve(f"refs/heads/{base}")
            if sha is None or onto is None:
                raise LookupError(f"There is no branch {head if sha is None else base}.")
            now = self.world.now()
            pull = PullRequest(
                id=self.world.new_id("pull request"),
                number=next(repository.numbers),
                title=title,
                body=body,
                user=person,
                head_ref=head,
                head_repository=source,
                head_sha=sha,
                base_ref=base,
                base_sha=onto,
                created_at=now,
                updated_at=now,
            )
            repository.pulls[pull.number] = pull
            self._pushes.take_head(repository, pull)
            self._events.pull_request("opened", repository, pull, person)
            return pull.number

    def pull_request(self, full_name: str, number: int) -> PullRequest:
        found = self.world.repository(full_name).pulls.get(number)
        if found is None:
            raise LookupError(f"{full_name} has no pull request {number}.")
        return found

    def close_pull_request(self, full_name: str, number: int, *, by: str | None = None) -> None:
        with self.world.lock:
            repository, pull = self._writable(full_name), self.pull_request(full_name, number)
            self._pushes.close(repository, pull, self._person(repository, by, "triage"))

    def reopen_pull_request(self, full_name: str, number: int, *, by: str | None = None) -> None:
        with self.world.lock:
            repository, pull = self._writable(full_name), self.pull_request(full_name, number)
            if pull.merged_at is not None:
                raise PermissionError("A merged pull request stays closed.")
            pull.state, pull.closed_at = "open", None
            self._events.pull_request("reopened", repository, pull, self._person(repository, by, "triage"))

    def merge_pull_request(self, full_name: str, number: int, *, by: str | None = None) -> str:
        """By a merge commit. Returns its SHA; raises LookupError where the two conflict."""
        with self.world.lock:
            repository, pull = self._writable(full_name), self.pull_request(full_name, number)
            if pull.state != "open":
                raise PermissionError("Only an open pull request can be merged.")
            person = self._person(repository, by, "write")
            git, ref = repository.git, f"refs/heads/{pull.base_ref}"
            onto = git.resolve(ref) or ZERO
            tree = git.merge_tree(onto, pull.head_sha)
            if tree is None:
                raise LookupError(f"Pull request {number} conflicts with {pull.base_ref}.")
            message = f"Merge pull request #{number} from {pull.head_ref}\n\n{pull.title}"
            sha = git.commit_tree(tree, [onto, pull.head_sha], message, person.person, int(self.world.now()))
            git.set_ref(ref, sha)
            self._pushes.look(repository, person)
            return sha

    def comment(self, full_name: str, number: int, body: str, *, by: str | None = None) -> int:
        """Returns the comment's id."""
        with self.world.lock:
            repository, pull = self._writable(full_name), self.pull_request(full_name, number)
            person = self._person(repository, by, "read")
            comment = add_comment(self.world, repository, pull, person, body)
            self._events.issue_comment("created", repository, pull, comment, person)
            return comment.id

    def _comment(self, repository: Repository, comment_id: int) -> Comment:
        found = repository.comments.get(comment_id)
        if found is None:
            raise LookupError(f"{repository.full_name} has no comment {comment_id}.")
        return found

    def edit_comment(self, full_name: str, comment_id: int, body: str, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self._writable(full_name)
            comment = self._comment(repository, comment_id)
            person = self.world.user(by) if by else comment.user
            if person is not comment.user and not repository.may(person, "write"):
                raise PermissionError(f"{person.login} may not edit {comment.user.login}'s comment.")
            before = comment.body
            change_comment(self.world, comment, body)
            pull = repository.pulls[comment.issue]
            changes = {"body": {"from": before}}
            self._events.issue_comment("edited", repository, pull, comment, person, changes=changes)

    def delete_comment(self, full_name: str, comment_id: int, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self._writable(full_name)
            comment = self._comment(repository, comment_id)
            person = self._person(repository, by, "write")
            del repository.comments[comment_id]
            self._events.issue_comment("deleted", repository, repository.pulls[comment.issue], comment, person)

    def react(self, full_name: str, comment_id: int, content: str, *, by: str) -> None:
        with self.world.lock:
            comment = self._comment(self._writable(full_name), comment_id)
            reaction = Reaction(self.world.new_id("reaction"), self.world.user(by), content, self.world.now())
            comment.reactions.append(reaction)
