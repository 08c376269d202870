"""What owners and administrators do: repositories, permissions, installations."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from infra.sandbox.checkers import Checkers
from infra.sandbox.records import PERMISSIONS, Account, App, Installation, Repository


class Owners(Checkers):
    """`by` is a login; left out, somebody who may do it does it."""

    def create_user(self, login: str) -> Account:
        return self._account(login, "User")

    def create_organisation(self, login: str) -> Account:
        return self._account(login, "Organization")

    def _account(self, login: str, kind: Literal["User", "Organization", "Bot"]) -> Account:
        with self.world.lock:
            if self.world.account(login) is not None:
                raise ValueError(f"{login} is taken.")
            account = Account(self.world.new_id("account"), login, kind, self.world.now())
            self.world.accounts[login.lower()] = account
            return account

    def create_repository(
        self,
        owner: str,
        name: str,
        *,
        files: Mapping[str, bytes | str] | None = None,
        private: bool = False,
        default_branch: str = "main",
        description: str = "",
    ) -> Repository:
        """`files`: the first commit; none of them: an empty repository. No webhook tells of either."""
        with self.world.lock:
            account = self.world.account(owner)
            if account is None:
                raise LookupError(f"The sandbox has no account {owner}.")
            if self.world.find(owner, name) is not None:
                raise ValueError(f"{owner}/{name} is taken.")
            repository = self._new(account, name, default_branch)
            repository.private, repository.description = private, description
            repository.git.create(default_branch)
            if files:
                content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
                at = int(self.world.now())
                repository.git.commit(default_branch, content, "Initial commit", account.person, at)
            self._pushes.remember(repository)
            for installation in self.world.installations.values():
                if installation.every and installation.account is account:
                    self._events.installation_repositories(installation, [repository], [], account)
            return repository

    def _new(self, account: Account, name: str, default_branch: str) -> Repository:
        number = self.world.new_id("repository")
        git = self.world.bare(number)
        repository = Repository(number, account, name, git, self.world.now(), default_branch)
        self.world.repositories[number] = repository
        self.world.moved.pop(repository.full_name.lower(), None)
        return repository

    def fork(self, full_name: str, *, by: str) -> str:
        """Returns the fork's full name."""
        with self.world.lock:
            source, person = self.world.repository(full_name), self.world.user(by)
            if not source.may(person, "read"):
                raise PermissionError(f"{by} can't see {full_name}.")
            if self.world.find(by, source.name) is not None:
                raise ValueError(f"{by} has a repository {source.name} already.")
            copy = self._new(person, source.name, source.default_branch)
            copy.private, copy.fork_of = source.private, source
            copy.git.create(source.default_branch)
            copy.git.git("fetch", "--quiet", str(source.git.directory), "refs/heads/*:refs/heads/*")
            self._pushes.remember(copy)
            return copy.full_name

    def grant(self, full_name: str, user: str, permission: str) -> None:
        if permission not in PERMISSIONS:
            raise ValueError(f"{permission} is none of {', '.join(PERMISSIONS)}.")
        with self.world.lock:
            repository = self.world.repository(full_name)
            repository.grants[self.world.user(user).login.lower()] = permission

    def revoke(self, full_name: str, user: str) -> None:
        """The person keeps what the repository gives to everyone."""
        with self.world.lock:
            self.world.repository(full_name).grants.pop(user.lower(), None)

    def rename_repository(self, full_name: str, name: str, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self.world.repository(full_name)
            person = self._person(repository, by, "admin")
            before = repository.name
            self._move(repository, repository.owner, name)
            self._events.repository("renamed", repository, person, changes={"repository": {"name": {"from": before}}})

    def transfer_repository(self, full_name: str, owner: str, *, by: str | None = None) -> None:
        """Installations of the former owner lose it; who installed the App on all repositories gains it."""
        with self.world.lock:
            repository = self.world.repository(full_name)
            person = self._person(repository, by, "admin")
            before, there = repository.owner, self.world.account(owner)
            if there is None:
                raise LookupError(f"The sandbox has no account {owner}.")
            losing = self.world.installations_on(repository)
            kept = {"Organization": "organization"}.get(before.type, "user")
            self._move(repository, there, repository.name)
            for installation in losing:
                installation.repository_ids.discard(repository.id)
                self._events.installation_repositories(installation, [], [repository], person)
            for installation in self.world.installations_on(repository):
                self._events.installation_repositories(installation, [repository], [], person)
            changes = {"owner": {"from": {kept: self._shapes.account(before)}}}
            self._events.repository("transferred", repository, person, changes=changes)

    def _move(self, repository: Repository, owner: Account, name: str) -> None:
        if self.world.find(owner.login, name) is not None:
            raise ValueError(f"{owner.login}/{name} is taken.")
        self.world.moved[repository.full_name.lower()] = repository.id
        repository.owner, repository.name = owner, name

    def archive_repository(self, full_name: str, *, by: str | None = None, archived: bool = True) -> None:
        with self.world.lock:
            repository = self.world.repository(full_name)
            person = self._person(repository, by, "admin")
            repository.archived = archived
            self._events.repository("archived" if archived else "unarchived", repository, person)

    def delete_repository(self, full_name: str, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self.world.repository(full_name)
            person = self._person(repository, by, "admin")
            self._events.repository("deleted", repository, person)
            for installation in self.world.installations_on(repository):
                self._events.installation_repositories(installation, [], [repository], person)
                installation.repository_ids.discard(repository.id)
            for base in self.world.repositories.values():
                for pull in base.pulls.values():
                    if pull.head_repository is repository:
                        pull.head_repository = None
            del self.world.repositories[repository.id]
            shutil.rmtree(repository.git.directory, ignore_errors=True)

    def make_private(self, full_name: str, *, by: str | None = None) -> None:
        self._visibility(full_name, by, private=True)

    def make_public(self, full_name: str, *, by: str | None = None) -> None:
        self._visibility(full_name, by, private=False)

    def _visibility(self, full_name: str, by: str | None, *, private: bool) -> None:
        with self.world.lock:
            repository = self.world.repository(full_name)
            person = self._person(repository, by, "admin")
            repository.private = private
            self._events.repository("privatized" if private else "publicized", repository, person)

    def set_default_branch(self, full_name: str, branch: str, *, by: str | None = None) -> None:
        with self.world.lock:
            repository = self.world.repository(full_name)
            before, repository.default_branch = repository.default_branch, branch
            repository.git.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
            changes = {"default_branch": {"from": before}}
            self._events.repository("edited", repository, self._person(repository, by, "admin"), changes=changes)

    def install(
        self, owner: str, full_names: Sequence[str] | None = None, *, by: str | None = None, app: App | None = None
    ) -> int:
        """On these repositories, or (None) on all of the account's. Where it is installed already, these are added.
        Returns the installation's id."""
        with self.world.lock:
            account = self.world.account(owner)
            if account is None:
                raise LookupError(f"The sandbox has no account {owner}.")
            app = app or self._only_app()
            person = self.world.user(by or owner)
            wanted = [self.world.repository(name) for name in full_names or ()]
            if any(each.owner is not account for each in wanted):
                raise ValueError(f"An installation on {owner} covers its own repositories only.")
            found = self._installation(app, account)
            if found is not None:
                added = [each for each in wanted if not found.covers(each)]
                found.repository_ids |= {each.id for each in added}
                self._events.installation_repositories(found, added, [], person)
                return found.id
            made = Installation(
                id=self.world.new_id("installation"),
                app=app,
                account=account,
                repository_ids={each.id for each in wanted},
                permissions=dict(app.permissions),
                created_at=self.world.now(),
                every=full_names is None,
            )
            self.world.installations[made.id] = made
            self._events.installation("created", made, person)
            return made.id

    def _only_app(self) -> App:
        if not self.world.apps:
            raise LookupError("The sandbox has no App: create_app() first.")
        return next(iter(self.world.apps.values()))

    def _installation(self, app: App, account: Account) -> Installation | None:
        every = self.world.installations.values()
        return next((each for each in every if each.app is app and each.account is account), None)

    def installation(self, owner: str, *, app: App | None = None) -> Installation:
        account = self.world.account(owner)
        found = self._installation(app or self._only_app(), account) if account else None
        if found is None:
            raise LookupError(f"The App is not installed on {owner}.")
        return found

    def remove_from_installation(self, owner: str, full_names: Collection[str], *, by: str | None = None) -> None:
        with self.world.lock:
            found, removed = self.installation(owner), [self.world.repository(name) for name in full_names]
            found.repository_ids -= {each.id for each in removed}
            self._events.installation_repositories(found, [], removed, self.world.user(by or owner))

    def suspend(self, owner: str, *, by: str | None = None) -> None:
        with self.world.lock:
            found, person = self.installation(owner), self.world.user(by or owner)
            found.suspended_at, found.suspended_by = self.world.now(), person
            self._events.installation("suspend", found, person)

    def unsuspend(self, owner: str, *, by: str | None = None) -> None:
        with self.world.lock:
            found = self.installation(owner)
            found.suspended_at = found.suspended_by = None
            self._events.installation("unsuspend", found, self.world.user(by or owner))

    def uninstall(self, owner: str, *, by: str | None = None) -> None:
        with self.world.lock:
            found = self.installation(owner)
            self._events.installation("deleted", found, self.world.user(by or owner))
            del self.world.installations[found.id]

    def set_permissions(self, owner: str, permissions: Mapping[str, str], *, by: str | None = None) -> None:
        """What the installation has from now on, also with tokens minted before: `{}` takes all but metadata."""
        with self.world.lock:
            found = self.installation(owner)
            found.permissions = {"metadata": "read", **permissions}
            self._events.installation("new_permissions_accepted", found, self.world.user(by or owner))
