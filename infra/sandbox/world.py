"""All that the sandbox holds, guarded by one lock."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from infra.sandbox.git import Bare
from infra.sandbox.records import Account, App, Grant, Installation, Repository, Token, UserToken


class World:
    """All of the sandbox's state. Whoever reads or changes it holds `lock`."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self.directory = directory
        self.lock = threading.RLock()
        self.ahead = 0.0
        """Seconds that the sandbox's clock is ahead of the real one."""
        self._clock = clock
        self._ids: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1001))
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[int, Repository] = {}
        self.moved: dict[str, int] = {}
        """Former full names in lower case -> repository id."""
        self.apps: dict[int, App] = {}
        self.others: dict[str, App] = {}
        """Apps whose checks are reported by hand, by name."""
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.tickets: dict[str, tuple[int, str]] = {}
        """What a tarball link stands for: repository id and SHA; good once."""
        self.grants: dict[str, Grant] = {}
        """Codes of people who have just let an App know who they are."""
        self.user_tokens: dict[str, UserToken] = {}
        self.manifests: dict[str, tuple[App, float]] = {}
        """Codes of Apps that have just been made of a manifest, and when."""

    def now(self) -> float:
        return self._clock() + self.ahead

    def new_id(self, kind: str) -> int:
        return next(self._ids[kind])

    def account(self, login: str) -> Account | None:
        return self.accounts.get(login.lower())

    def bare(self, repository_id: int) -> Bare:
        return Bare(self.directory / "repositories" / f"{repository_id}.git")

    def user(self, login: str) -> Account:
        """Raises LookupError for a person nobody has created."""
        found = self.account(login)
        if found is None or found.type != "User":
            raise LookupError(f"The sandbox has no user {login}: create_user({login!r}) first.")
        return found

    def find(self, owner: str, name: str) -> Repository | None:
        full = f"{owner}/{name}".lower()
        return next((each for each in self.repositories.values() if each.full_name.lower() == full), None)

    def repository(self, full_name: str) -> Repository:
        """Raises LookupError."""
        found = self.find(*full_name.split("/", 1)) if "/" in full_name else None
        if found is None:
            raise LookupError(f"The sandbox has no repository {full_name}.")
        return found

    def installations_on(self, repository: Repository) -> list[Installation]:
        return [each for each in self.installations.values() if each.covers(repository)]
