"""What a story is told with: one machine (sandbox GitHub, real bot, real router, real processes), a repository of its
own for each story, and patience."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx

from infra.demo.machine import Machine
from infra.sandbox import Sandbox
from infra.sandbox.api.checks import suite_for
from infra.sandbox.records import CheckRun
from tests.engine.repository import PACKS, repository

OWNER, AUTHOR = "octo-org", "octocat"
PATIENCE_S = 60.0
"""Far more than anything takes on an idle machine: tests share their processors."""
POM = b"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.5.16</version>
  </parent>
  <groupId>com.example</groupId>
  <artifactId>hello</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-web</artifactId>
    </dependency>
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-maven-plugin</artifactId>
  </plugin></plugins></build>
</project>
"""
Shape = dict[str, Any]
T = TypeVar("T")
_numbers = itertools.count(1)


class Town:
    """A machine for many stories. `home` holds its state."""

    def __init__(self, machine: Machine, compiled: Mapping[str, bytes]) -> None:
        self.machine = machine
        self.compiled = compiled
        self.sandbox: Sandbox = machine.sandbox
        self.sandbox.create_user(AUTHOR)
        self.sandbox.create_organisation(OWNER)
        self.http = httpx.Client(timeout=10, trust_env=False)

    def close(self) -> None:
        self.http.close()
        self.machine.close()

    def repository(self, *, private: bool = True, install: bool = True, owner: str = OWNER) -> Place:
        """A new one, with its author as administrator and the App installed."""
        name = f"hello-{next(_numbers)}"
        full_name = f"{owner}/{name}"
        self.sandbox.create_repository(owner, name, files={}, private=private)
        self.sandbox.grant(full_name, AUTHOR, "admin")
        if install:
            self.sandbox.install(owner, [full_name], by=AUTHOR)
        return Place(self, full_name)

    def organisation(self) -> str:
        """A new one: its installation is its own."""
        name = f"org-{next(_numbers)}"
        self.sandbox.create_organisation(name)
        return name

    def until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE_S) -> T:
        return self.machine.until(look, what, seconds)


@dataclass(frozen=True)
class Place:
    """One repository and the service that it runs as."""

    town: Town
    full_name: str

    @property
    def sandbox(self) -> Sandbox:
        return self.town.sandbox

    def files(self, version: str, script: str = PACKS, **extra: bytes) -> dict[str, bytes]:
        wrapper = {
            "pom.xml": POM,
            ".mvn/wrapper/maven-wrapper.properties": b"distributionUrl=https://localhost/none.zip\n",
        }
        return {**repository(self.town.compiled, script, version), **wrapper, **extra}

    def push(
        self,
        version: str,
        script: str = PACKS,
        *,
        branch: str = "",
        by: str = AUTHOR,
        files: Mapping[str, bytes] | None = None,
    ) -> str:
        changed = {**self.files(version, script), **(files or {})}
        return self.sandbox.push(
            self.full_name,
            changed,
            branch=branch or "main",
            message=f"Version {version}",
            by=by,
            executable={"mvnw"},
        )

    def pull_request(self, version: str, branch: str = "feature", by: str = AUTHOR) -> tuple[int, str]:
        """Its number and its head."""
        head = self.push(version, branch=branch, by=by)
        return self.sandbox.open_pull_request(self.full_name, head=branch, title=f"Version {version}", by=by), head

    def other_check(self, sha: str, conclusion: str | None) -> None:
        """Another App's check run on that commit; None: in progress."""
        world = self.sandbox.world
        with world.lock:
            repository = world.repository(self.full_name)
            other = replace(next(iter(world.apps.values())), id=999_999, slug="other-ci", name="Other CI")
            suite = suite_for(world, repository, other, sha, "main")
            status = "completed" if conclusion else "in_progress"
            run = CheckRun(world.new_id("check run"), suite, "ci", sha, status=status, conclusion=conclusion)
            suite.runs.append(run)
            repository.check_runs[run.id] = run

    def say(self, pull: int, body: str, by: str = AUTHOR) -> int:
        return self.sandbox.comment(self.full_name, pull, body, by=by)

    def checks(self, sha: str) -> list[Shape]:
        """Those of deployments, oldest first."""
        runs = self.sandbox.check_runs(self.full_name, sha)
        return [c for c in runs if c["name"] == "WhaleRay" and c["external_id"] != "offer"]

    def neutral(self, sha: str) -> Shape:
        def found() -> Shape | None:
            runs = [c for c in self.sandbox.check_runs(self.full_name, sha) if c["external_id"] == "offer"]
            return runs[-1] if runs else None

        return self.town.until(found, f"a neutral check on {sha[:7]}")

    def ended(self, sha: str, count: int = 1) -> Shape:
        """The newest of `count` checks of that commit, when it has completed."""

        def look() -> Shape | None:
            runs = self.checks(sha)
            return runs[-1] if len(runs) >= count and runs[-1]["status"] == "completed" else None

        return self.town.until(look, f"{sha[:7]} to end")

    def runs(self, sha: str, count: int = 1) -> Shape:
        """Its check, which has to end as RUNNING."""
        check = self.ended(sha, count)
        assert check["output"]["title"].startswith("RUNNING"), check["output"]
        assert check["conclusion"] == "success"
        return check

    def fails(self, sha: str, count: int = 1) -> Shape:
        check = self.ended(sha, count)
        assert check["output"]["title"].startswith("FAILED"), check["output"]
        assert check["conclusion"] == "failure"
        return check

    @property
    def url(self) -> str:
        """As GitHub shows it."""

        def shown() -> str | None:
            statuses = [s for d in self.sandbox.deployments(self.full_name) for s in d["statuses"]]
            return next((str(s["environment_url"]) for s in statuses if s["environment_url"]), None)

        return self.town.until(shown, "a GitHub deployment with the service's URL")

    def serves(self, version: str) -> None:
        """What the service answers now, through the router."""
        answer = self.town.http.get(self.url)
        assert (answer.status_code, answer.text.rsplit(" ", 1)[-1]) == (200, version), answer.text

    def comments(self, pull: int) -> list[str]:
        """The bot's, oldest first."""
        return [c["body"] for c in self.sandbox.comments(self.full_name, pull) if c["user"]["type"] == "Bot"]

    def sticky(self, pull: int) -> str:
        found = [body for body in self.comments(pull) if body.startswith("<!-- whaleray:sticky -->")]
        assert len(found) <= 1, found
        return found[0] if found else ""

    def answer(self, pull: int, count: int = 1) -> str:
        """The newest of `count` answers to commands."""

        def look() -> str | None:
            found = [body for body in self.comments(pull) if not body.startswith("<!-- whaleray:sticky -->")]
            return found[-1] if len(found) >= count else None

        return self.town.until(look, f"{count} answers on pull request {pull}")

    def reacted(self, comment: int, content: str) -> None:
        def look() -> bool:
            return any(r.content == content for r in self.sandbox.reactions(self.full_name, comment))

        self.town.until(look, f"the reaction {content}")
