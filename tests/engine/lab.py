"""The laboratory of the engine contract: one engine over one directory, repositories to build, and patience.

An engine joins the contract by a subclass of `Lab` in `LABS`; `make` must give an engine that adopts whatever an
earlier one over the same directory left.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from bot.model import (
    Builder,
    BuildPlan,
    BuildState,
    Cause,
    Deployment,
    EngineName,
    Health,
    Instance,
    InstanceState,
    LogKind,
    Observation,
    Release,
    Repository,
    Service,
)
from bot.ports import Engine, Source
from infra.embedded.process.engine import ProcessEngine
from tests.engine.repository import PACKS, Archive, repository, tarball

PATIENCE_S = 40.0
"""Far more than anything here takes on an idle machine: tests share their processors."""
STOP_S = 1.5
OVER = (BuildState.SUCCEEDED, BuildState.FAILED, BuildState.CANCELLED)


class Lab(abc.ABC):
    patience_s = PATIENCE_S

    def __init__(self, home: Path, compiled: Mapping[str, bytes], archive: Archive) -> None:
        self.home = home
        self.archive = archive
        self._compiled = compiled
        self._known: dict[str, list[str]] = {}
        self.options: dict[str, Any] = {}
        self.engine = self.make()

    @abc.abstractmethod
    def make(self) -> Engine:
        """An engine over `home`, with `options`; SIGTERM to SIGKILL takes `STOP_S`."""

    @abc.abstractmethod
    def processes(self) -> list[str]:
        """What lives on the machine because of this engine."""

    @abc.abstractmethod
    def orphan(self, deployment_id: str) -> None:
        """Kill, without a word, what watches over the deployment's build or instance."""

    @abc.abstractmethod
    def traces(self, deployment_id: str) -> str:
        """What the engine's own processes said, for whoever reads a failed test."""

    def bot_dies(self, **options: Any) -> None:
        """The engine object is gone with all it knew; another one takes over."""
        self.options |= options
        self.engine = self.make()

    def deployment(self, name: str, service: str = "hello", environment: str = "production") -> Deployment:
        made = Deployment(
            id=hashlib.sha256(f"{self.home}{name}".encode()).hexdigest()[:32],
            repository_id=1,
            service_id=f"github_1-octo-{service}",
            cause=Cause(delivery=name),
            sha=hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(),
            ref="main",
            environment=environment,
        )
        ids = self._known.setdefault(made.service_id, [])
        if made.id not in ids:
            ids.append(made.id)
        return made

    def service(self, deployment: Deployment) -> Service:
        owner, name = deployment.service_id.split("-")[1:]
        return Service(
            repository=Repository(id=1, owner=owner, name=name, installation_id=1),
            service_id=deployment.service_id,
            engine=EngineName.PROCESS,
            port=8080,
        )

    def plan(self, **changes: Any) -> BuildPlan:
        plan = BuildPlan(builder=Builder.MAVEN, wrapper=True, health=Health(path="/health"), memory_mb=256)
        return plan.model_copy(update=changes)

    def source(
        self, deployment: Deployment, script: str = PACKS, version: str = "", body: bytes | None = None
    ) -> Source:
        if body is None:
            body = tarball(repository(self._compiled, script, version or deployment.short_sha))
        return Source(url=self.archive.put(deployment.sha, body), token=self.archive.token, sha=deployment.sha)

    def files(self, script: str = PACKS) -> dict[str, bytes]:
        return repository(self._compiled, script)

    async def start_build(
        self, deployment: Deployment, script: str = PACKS, body: bytes | None = None, **plan: Any
    ) -> None:
        variables = {"DEPLOYMENT_ID": deployment.id, "COMMIT_SHA": deployment.sha}
        source = self.source(deployment, script, body=body)
        await self.engine.start_build(deployment, self.plan(**plan), source, variables)

    async def build(self, deployment: Deployment, script: str = PACKS, **plan: Any) -> Observation:
        """Started, and waited for until it is over."""
        await self.start_build(deployment, script, **plan)
        return await self.over(deployment)

    async def over(self, deployment: Deployment) -> Observation:
        return await self.until(deployment, lambda seen: seen.build in OVER, "its build's end")

    async def built(self, deployment: Deployment, script: str = PACKS) -> Release:
        seen = await self.build(deployment, script)
        assert seen.release is not None, f"{seen.build_failure}\n{await self.engine.log(deployment.id, LogKind.BUILD)}"
        return seen.release

    async def start(self, deployment: Deployment, release: Release, instances: int = 1, **env: str) -> None:
        plan = self.plan(instances=instances)
        await self.engine.start_rollout(deployment, self.service(deployment), plan, release, env)

    async def run(self, deployment: Deployment, release: Release, instances: int = 1, **env: str) -> Instance:
        """Started, and waited for until all are healthy. The first."""
        await self.start(deployment, release, instances, **env)
        return (await self.healthy(deployment, instances))[0]

    async def healthy(self, deployment: Deployment, count: int = 1) -> tuple[Instance, ...]:
        def all_up(seen: Observation) -> bool:
            return [i.state for i in seen.instances].count(InstanceState.HEALTHY) == count

        return (await self.until(deployment, all_up, f"{count} healthy instances")).instances

    async def ended(self, deployment: Deployment) -> Instance:
        def all_down(seen: Observation) -> bool:
            return bool(seen.instances) and all(i.state is InstanceState.EXITED for i in seen.instances)

        return (await self.until(deployment, all_down, "its instances' end")).instances[0]

    async def until(self, deployment: Deployment, look: Callable[[Observation], bool], what: str) -> Observation:
        deadline = time.monotonic() + self.patience_s
        while not look(seen := await self.engine.observe(deployment.id)):
            if time.monotonic() > deadline:
                logs = [await self.engine.log(deployment.id, kind) for kind in LogKind]
                logs.append(self.traces(deployment.id))
                raise AssertionError(f"waited for {what}; it is {seen}; its logs: {logs}")
            await asyncio.sleep(0.01)
        return seen

    async def logged(self, deployment: Deployment, kind: LogKind, text: str) -> None:
        await self.wait(lambda: self.engine.log(deployment.id, kind), lambda log: text in log, f"{text!r} in the log")

    async def queued(self, deployment: Deployment) -> None:
        """Until it stands in line."""
        await self.logged(deployment, LogKind.BUILD, "Waiting for its turn")
        assert (await self.engine.observe(deployment.id)).build is BuildState.QUEUED

    async def idle(self) -> None:
        """Until nothing of this engine lives."""

        async def left() -> list[str]:
            return self.processes()

        await self.wait(left, lambda found: not found, "every process to end")

    async def wait(self, ask: Callable[[], Any], good: Callable[[Any], bool], what: str) -> Any:
        deadline = time.monotonic() + self.patience_s
        while not good(answer := await ask()):
            assert time.monotonic() < deadline, f"waited for {what}; it is {answer}"
            await asyncio.sleep(0.01)
        return answer

    async def get(self, instance: Instance, path: str = "/") -> str:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            return (await client.get(f"http://{instance.address}:{instance.port}{path}")).text

    async def silent(self, instance: Instance) -> bool:
        """Whether nothing answers there."""
        try:
            await self.get(instance)
        except httpx.HTTPError:
            return True
        return False

    async def crash(self, instance: Instance) -> None:
        try:
            await self.get(instance, "/crash")
        except httpx.HTTPError:
            return
        raise AssertionError("it answered")

    async def close(self) -> None:
        for service_id, deployments in self._known.items():
            await self.engine.remove(service_id, deployments)
        await self.idle()


class ProcessLab(Lab):
    def make(self) -> ProcessEngine:
        return ProcessEngine(self.home, **{"stop_s": STOP_S, "young_s": 0, **self.options})

    def processes(self) -> list[str]:
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.home) in command:
                found.append(command)
        return found

    def traces(self, deployment_id: str) -> str:
        logs = (self.home / "process").glob(f"*/{deployment_id}/**/*.log")
        return "\n".join(
            f"{log.name}: {log.read_text()}" for log in logs if log.name in ("runner.log", "supervisor.log")
        )

    def orphan(self, deployment_id: str) -> None:
        for kind in ("builds", "instances"):
            for lock in (self.home / "process" / kind / deployment_id).rglob("*.lock"):
                if lock.name in ("runner.lock", "supervisor.lock"):
                    with contextlib.suppress(ProcessLookupError):  # a runner that ended by itself
                        os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)


LABS: dict[str, type[Lab]] = {"process": ProcessLab}
