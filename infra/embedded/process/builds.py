"""Builds as the bot sees them: requests written, runners started, and what they left read."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bot.errors import OurError
from bot.model import BuildPlan, BuildState, Deployment, Failure, Release
from bot.ports import Source
from infra.embedded.process import boundedlog, detached
from infra.embedded.process.child import end_leftovers
from infra.embedded.process.files import read_json, write_json, write_once
from infra.embedded.process.words import ENDED

RUNNER = "infra.embedded.process.runner"
BUILD_MEMORY = 2 * 1024**3
"""Bytes a build may use: Maven with javac in its own process needs 0.5 to 1 GB for ordinary applications."""


class Seen(NamedTuple):
    state: BuildState
    failure: Failure | None = None
    release: Release | None = None


class Builds:
    """Under `root/builds`, a directory each. Its `runner.lock` says that it runs, `result.json` how it ended."""

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        *,
        timeout_s: float,
        most: int,
        memory: int = BUILD_MEMORY,
    ) -> None:
        self._root = root
        self._environment = environment
        self._timeout_s = timeout_s
        self._most = most
        self._memory = memory

    def directory(self, deployment_id: str) -> Path:
        return self._root / "builds" / safe(deployment_id)

    def start(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str], *, confined: bool
    ) -> None:
        build = self.directory(deployment.id)
        build.mkdir(mode=0o700, exist_ok=True)
        if (build / "result.json").exists():
            return
        if not (build / "request.json").exists():
            request = {
                "id": deployment.id,
                "service_id": deployment.service_id,
                "layer": _layer(deployment.environment),
                "plan": plan.model_dump(mode="json"),
                "command": list(plan.command),
                "url": source.url,
                "sha": source.sha,
                "variables": dict(variables),
                "timeout_s": self._timeout_s,
                "memory": self._memory,
                "max_builds": self._most,
                "confined": confined,
                "at": time.time_ns(),
            }
            write_json(build / "request.json", request)
        if self.see(build).state is BuildState.ABSENT:
            detached.start(RUNNER, build / "runner.lock", self._environment, source.token.encode())

    def cancel(self, deployment_id: str) -> None:
        """Whichever comes first, the runner's result or this, is the build's end."""
        build = self.directory(deployment_id)
        build.mkdir(mode=0o700, exist_ok=True)
        died = self.see(build).failure
        end = {"cancelled": True} if died is None else {"failure": died.model_dump(mode="json")}
        write_once(build / "result.json", end)
        detached.tell(build / "runner.lock", signal.SIGTERM)
        if not detached.running(build / "runner.lock"):
            end_leftovers(build / "child.json")
            shutil.rmtree(build / "work", ignore_errors=True)

    def lives(self, deployment_id: str) -> bool:
        return detached.running(self.directory(deployment_id) / "runner.lock")

    def see(self, build: Path) -> Seen:
        if (result := read_json(build / "result.json")) is None and not detached.running(build / "runner.lock"):
            result = read_json(build / "result.json")  # it may have ended just now
            if result is None:
                return _unfinished(build)
        if result is None:
            return Seen(BuildState.RUNNING if (build / "begun").exists() else BuildState.QUEUED)
        if "release" in result:
            return Seen(BuildState.SUCCEEDED, release=Release.model_validate(result["release"]))
        if "failure" in result:
            return Seen(BuildState.FAILED, failure=Failure.model_validate(result["failure"]))
        return Seen(BuildState.CANCELLED)

    def log(self, deployment_id: str) -> str:
        return boundedlog.read(self.directory(deployment_id) / "build.log")

    def log_size(self, build: Path) -> int:
        return boundedlog.size(build / "build.log")


def _unfinished(build: Path) -> Seen:
    """Nobody builds, and there is no result."""
    if detached.ran(build / "runner.lock"):
        return Seen(BuildState.FAILED, failure=Failure.model_validate(ENDED.failure))
    said = boundedlog.read(build / "runner.log").strip()
    if said:
        failure = {
            "stage": "BUILDING",
            "what": "The build's process could not be started.",
            "why": f"Python said: {said.splitlines()[-1][:300]}.",
            "mend": "Whoever runs WhaleRay finds more in its log, and with `whaleray doctor`.",
        }
        return Seen(BuildState.FAILED, failure=Failure.model_validate(failure))
    return Seen(BuildState.ABSENT)


def _layer(environment: str) -> str:
    """The name of the caches that a build writes; see `tool.prepare`."""
    return re.sub(r"[^a-z0-9-]", "-", environment.lower())[:60] or "other"


def safe(deployment_id: str) -> str:
    """Ids are made here, of hexadecimal digits; nothing else becomes a path."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", deployment_id):
        raise OurError(f"{deployment_id!r} is no deployment's id.")
    return deployment_id
