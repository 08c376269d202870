"""Repositories on a machine, as many as a rig needs, and what they ask of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from bench import bot as bench_bot
from bot import wiring
from infra.demo.machine import Machine
from infra.sandbox import Sandbox
from infra.sandbox.hooks import Delivery
from infra.sandbox.rest import Recorded

OWNER, AUTHOR = "octo-org", "octocat"
PATIENCE_S = 120.0
LOOK_S = 0.01
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
  <dependencies><dependency>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-web</artifactId>
  </dependency></dependencies>
  <build><plugins><plugin>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-maven-plugin</artifactId>
  </plugin></plugins></build>
</project>
"""
FILES: Mapping[str, bytes] = {
    "pom.xml": POM,
    "mvnw": b"#!/bin/sh\nexit 1\n",
    ".mvn/wrapper/maven-wrapper.properties": b"distributionUrl=https://localhost/none.zip\n",
    "src/main/java/Application.java": b"class Application {}\n",
    "src/main/resources/application.properties": b"spring.application.name=hello\n",
}
"""A repository that is planned as a Spring Boot application, for engines that build nothing."""
T = TypeVar("T")


class Town:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.sandbox: Sandbox = machine.sandbox
        self.sandbox.primary_limit(10_000_000)
        self.sandbox.create_user(AUTHOR)
        self.sandbox.create_organisation(OWNER)

    def repositories(self, count: int, prefix: str = "hello") -> list[str]:
        """Their full names; the App is installed on them."""
        names = [f"{OWNER}/{prefix}-{number}" for number in range(count)]
        for full_name in names:
            self.sandbox.create_repository(OWNER, full_name.partition("/")[2], files={}, private=True)
            self.sandbox.grant(full_name, AUTHOR, "admin")
        since = len(self.sandbox.requests)
        self.sandbox.install(OWNER, names, by=AUTHOR)
        for full_name in names:
            self.until(lambda name=full_name: self._looked_at(name, since), f"a look at {full_name}")  # type: ignore[misc]
        self.quiet()
        return names

    def _looked_at(self, full_name: str, since: int) -> bool:
        """Installed, it is looked at once: a commit to offer Deploy on is not there yet."""
        return any(each.path.startswith(f"/repos/{full_name}/git/ref") for each in self.asked(since))

    def push(
        self,
        full_name: str,
        version: int,
        files: Mapping[str, bytes] = FILES,
        *,
        executable: Collection[str] = ("mvnw",),
    ) -> str:
        changed = {**files, "version": f"{version}\n".encode()}
        return self.sandbox.push(
            full_name, changed, message=f"Version {version}", by=AUTHOR, executable=executable, branch="main"
        )

    def held_back(self, full_name: str, version: int) -> tuple[str, list[str]]:
        """A push of which GitHub has not told yet: its commit, and the GUIDs of the deliveries to send."""
        known = len(self.sandbox.deliveries())
        with self.sandbox.webhooks_down():
            sha = self.push(full_name, version)
        return sha, [each.guid for each in self.sandbox.deliveries()[known:]]

    def tell(self, guids: list[str]) -> Delivery:
        """Send them now. Returns the one of the push."""
        sent = [self.sandbox.redeliver(guid) for guid in guids]
        return next(each for each in sent if each.event == "push")

    def until(self, look: Callable[[], T | None], what: str, seconds: float = PATIENCE_S) -> T:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            self.machine.alive()
            time.sleep(LOOK_S)
        raise TimeoutError(f"Waited {seconds:.0f} s for {what}; the bot's log is {self.machine.log}.")

    def running(self, full_name: str, sha: str) -> bool:
        """Whether its check says so. Raises ValueError when it ended otherwise."""
        repository = self.sandbox.world.repository(full_name)
        runs = [run for run in list(repository.check_runs.values()) if run.head_sha == sha]
        if not runs or runs[-1].status != "completed" or runs[-1].external_id == "offer":
            return False
        if runs[-1].conclusion != "success":
            raise ValueError(f"{full_name} at {sha[:7]}: {runs[-1].title}: {runs[-1].summary}")
        return True

    def quiet(self, seconds: float = 0.3, patience: float = PATIENCE_S) -> None:
        """Return when the bot has asked GitHub for nothing that long, and every check has completed."""
        self.sandbox.settle()
        deadline = time.monotonic() + patience
        count, since = -1, time.monotonic()
        while time.monotonic() - since < seconds or self._pending():
            if (now := len(self.sandbox.requests)) != count:
                count, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise TimeoutError(f"The bot did not come to rest; its log is {self.machine.log}.")
            time.sleep(LOOK_S)

    def _pending(self) -> bool:
        repositories = list(self.sandbox.world.repositories.values())
        return any(run.status != "completed" for each in repositories for run in list(each.check_runs.values()))

    def asked(self, since: int = 0) -> list[Recorded]:
        """GitHub requests from the `since`th on."""
        return self.sandbox.requests[since:]


@contextmanager
def faked(build_s: float = 0.05, *, traced: bool = True) -> Iterator[tuple[Town, Path]]:
    """A town whose bot has a fake engine, and where its trace will be once it has stopped."""
    with tempfile.TemporaryDirectory(prefix="whaleray-bench-") as directory:
        trace = Path(directory) / "trace.json"
        told = {bench_bot.BUILD_S: str(build_s)} | ({bench_bot.TRACE: str(trace)} if traced else {})
        home = Path(directory) / "home"
        home.mkdir(mode=0o700)
        with Machine(home, end_services=_nothing_runs, entry=("-m", "bench.bot"), extra=told) as machine:
            yield Town(machine), trace


@contextmanager
def real(home: Path | None = None, extra: Mapping[str, str] | None = None) -> Iterator[Town]:
    """A town with everything: the process engine and the router."""
    with (
        tempfile.TemporaryDirectory(prefix="whaleray-bench-", ignore_cleanup_errors=True) as directory,
        Machine(home or Path(directory), end_services=wiring.end_services, extra=extra) as machine,
    ):
        yield Town(machine)


def _nothing_runs(_: Mapping[str, str]) -> None:
    return
