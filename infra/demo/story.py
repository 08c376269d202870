"""The story of a first day, told while it happens: install, push, a pull request's deploy, a commit that breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from rich.console import Console

from bot.errors import WhaleRayError
from infra.demo import sample
from infra.demo.load import Load
from infra.demo.machine import Machine

OWNER, NAME = "octo-org", "hello-spring"
FULL_NAME = f"{OWNER}/{NAME}"
AUTHOR = "octocat"
PATIENCE_S = 900.0
"""A first build on a slow line downloads some 60 MB of dependencies."""

T = TypeVar("T")


class StoryBroken(WhaleRayError):
    """Something that the story promises did not happen."""


@dataclass
class Story:
    """Each part raises StoryBroken unless all of it was seen."""

    machine: Machine
    console: Console
    cache: Path
    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    pull: int = 0

    def __post_init__(self) -> None:
        self.sandbox = self.machine.sandbox

    def tell(self) -> None:
        self.prepare()
        self.first_push()
        self.deploy_from_a_pull_request()
        self.break_the_build()

    def prepare(self) -> None:
        self.files = sample.files(self.cache)
        self.sandbox.create_user(AUTHOR)
        self.sandbox.create_organisation(OWNER)
        self.sandbox.create_repository(OWNER, NAME, files={})
        self.sandbox.grant(FULL_NAME, AUTHOR, "admin")

    def first_push(self) -> None:
        self._chapter("Install the App, push to main")
        self.sandbox.install(OWNER, [FULL_NAME], by=AUTHOR)
        self._done(f"App installed on {FULL_NAME} by {AUTHOR}")
        sha = self.sandbox.push(FULL_NAME, self.files, message="Say hello", by=AUTHOR, executable={"mvnw"})
        self._done(f"{AUTHOR} pushed {sha[:7]} to main")
        self._follow(sha, expected="RUNNING")
        self.url = self._environment_url()
        self._expect_version("1")

    def deploy_from_a_pull_request(self) -> None:
        self._chapter("Open a pull request, comment /whaleray deploy")
        head = self.sandbox.push(
            FULL_NAME, sample.version(2, self.files), branch="version-2", message="Version 2", by=AUTHOR
        )
        self.pull = self.sandbox.open_pull_request(FULL_NAME, head="version-2", title="Version 2", by=AUTHOR)
        with Load(self.url) as load:
            comment = self.sandbox.comment(FULL_NAME, self.pull, "/whaleray deploy", by=AUTHOR)
            self._until(lambda: self.sandbox.reactions(FULL_NAME, comment), "a reaction to the comment", 30)
            self._done("the comment has its reaction")
            self._follow(head, expected="RUNNING")
            self._until(self._sticky, "the sticky comment with the URL", 30)
            self._done("the sticky comment names the URL")
            self._expect_version("2")
        if load.failed or not load.sent:
            raise StoryBroken(f"{load.failed} of {load.sent} requests failed: {load.first_failure}.")
        self._done(f"{load.sent:,} requests went through the router meanwhile: none failed")

    def break_the_build(self) -> None:
        self._chapter("Push a commit that does not compile")
        sha = self.sandbox.push(FULL_NAME, sample.broken(self.files), message="Greet by class", by=AUTHOR)
        check = self._follow(sha, expected="FAILED")
        place = f"{sample.CONTROLLER}:{sample.BROKEN_LINE}"
        if place not in check["output"]["summary"]:
            raise StoryBroken(f"The diagnosis does not name {place}.")
        self._done(f"the diagnosis names {place}")
        self._expect_version("2")

    def _follow(self, sha: str, *, expected: str) -> dict[str, Any]:
        """Print each stage as the check shows it; the check when it has completed."""
        shown: list[str] = []
        began = time.monotonic()

        def ended() -> dict[str, Any] | None:
            for check in self.sandbox.check_runs(FULL_NAME, sha):
                if check["external_id"] == "offer":
                    continue
                for entry in self.sandbox.check_run_history(check["id"])[len(shown) :]:
                    shown.append(entry.title)
                    stage = entry.title.split(" ", 1)[0]
                    if not any(earlier.startswith(stage) for earlier in shown[:-1]):
                        self._done(f"check run: {entry.title}", since=began)
                if check["status"] == "completed":
                    return dict(check)
            return None

        check = self._until(ended, f"{sha[:7]} to end", PATIENCE_S)
        if not check["output"]["title"].startswith(expected):
            raise StoryBroken(
                f"The check ended as {check['output']['title']!r}, not {expected}.", check["output"]["summary"]
            )
        return check

    def _environment_url(self) -> str:
        def url() -> str | None:
            for deployment in self.sandbox.deployments(FULL_NAME):
                for status in deployment["statuses"]:
                    if status["environment_url"]:
                        return str(status["environment_url"])
            return None

        return self._until(url, "a GitHub deployment with its URL", 30)

    def _sticky(self) -> bool:
        return any(
            "Running at" in c["body"] and self.url in c["body"] for c in self.sandbox.comments(FULL_NAME, self.pull)
        )

    def _expect_version(self, version: str) -> None:
        answer = httpx.get(self.url, timeout=5)
        if answer.status_code != 200 or answer.json().get("version") != version:
            raise StoryBroken(f"{self.url} answered {answer.status_code} {answer.text[:200]!r}, not version {version}.")
        self._done(f"{self.url} answers with version {version}")

    def _until(self, look: Callable[[], T | None], what: str, seconds: float) -> T:
        with self.console.status(f"waiting for {what}"):
            return self.machine.until(look, what, seconds)

    def _chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/]")

    def _done(self, what: str, since: float | None = None) -> None:
        took = "" if since is None else f"  [dim]{time.monotonic() - since:.1f} s[/]"
        self.console.print(f"  [green]✓[/] {what}{took}", soft_wrap=True)
