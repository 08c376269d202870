"""The `process` engine: what the bot calls. Every call may be repeated, by this process or by the next one: what is
known lies in the engine's directory, and what runs holds locks there."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import anyio

from bot.model import BuildPlan, Deployment, LogKind, Observation, Release, Service
from bot.ports import Source
from infra.embedded import bell
from infra.embedded.process import confine, detached, jdks
from infra.embedded.process.builds import BUILD_MEMORY, Builds, safe
from infra.embedded.process.instances import Instances
from infra.embedded.process.tool import PRODUCTION

T = TypeVar("T")
STOP_S = 35.0
"""Spring's graceful shutdown waits up to 30 s for requests; SIGKILL comes after that."""
YOUNG_S = 900.0
"""Younger than this nothing is pruned: who decided what to keep may not have known it yet."""
MOST_PRUNED = 500
"""At once: a call returns within 10 s, and there will be another."""
UNUSED_S = 14 * 86_400.0
"""Caches of a pull request that nobody built for so long go."""


class ProcessEngine:
    """`bot.ports.Engine` under `home/process`.

    `router_url`: what applications see as their public address. `sandbox`: True confines builds and applications where
    bubblewrap works, False never does. `stop_s`: seconds between SIGTERM and SIGKILL. `build_memory`: bytes.
    """

    def __init__(
        self,
        home: Path,
        *,
        build_timeout_s: float = 1800,
        max_builds: int = 2,
        router_url: str = "http://127.0.0.1:8000",
        sandbox: bool = True,
        stop_s: float = STOP_S,
        build_memory: int = BUILD_MEMORY,
        young_s: float = YOUNG_S,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._root = home.resolve() / "process"
        for name in ("builds", "releases", "instances", "caches", "jdk", "trash", "bell"):
            (self._root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sandbox = sandbox
        self._young_s = young_s
        self._environment = dict(os.environ if environment is None else environment)
        self._builds = Builds(
            self._root, self._environment, timeout_s=build_timeout_s, most=max_builds, memory=build_memory
        )
        self._instances = Instances(self._root, self._environment, router_url=router_url, stop_s=stop_s)

    @property
    def sandboxed(self) -> bool:
        """Whether builds and applications are shut in."""
        return self._sandbox and confine.works()

    def jdks(self) -> list[jdks.Jdk]:
        return jdks.installed(self._environment, self._root / "jdk")

    async def start_build(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> None:
        await _blocking(
            lambda: self._builds.start(deployment, plan, source, variables, confined=self.sandboxed),
        )

    async def start_rollout(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        await _blocking(
            lambda: self._instances.start(deployment, service, plan, release, env, confined=self.sandboxed),
        )

    async def cancel(self, deployment_id: str) -> None:
        await _blocking(lambda: self._cancel(deployment_id))

    def _cancel(self, deployment_id: str) -> None:
        self._builds.cancel(deployment_id)
        self._instances.cancel(deployment_id)

    async def scale(self, deployment_id: str, instances: int) -> None:
        await _blocking(lambda: self._instances.scale(deployment_id, instances))

    async def remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        await _blocking(lambda: self._remove(service_id, deployment_ids))

    def _remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        for deployment_id in deployment_ids:
            if self._builds.directory(deployment_id).exists() or self._instances.each(deployment_id):
                self._cancel(deployment_id)
        self._forget(deployment_ids)
        self._discard(self._root / "caches" / safe(service_id))
        detached.reap()

    async def prune(self, keep: Sequence[str]) -> None:
        await _blocking(lambda: self._prune(set(keep)))

    def _prune(self, keep: set[str]) -> None:
        known = {path.name for kind in ("builds", "instances", "releases") for path in (self._root / kind).iterdir()}
        alive = {name for name in known if name in keep or self._lives(name)}
        jars = {Path(jar).parent.name for name in alive for jar in self._instances.jars(name)}
        self._forget([name for name in known - alive - jars if self._old(name)][:MOST_PRUNED])
        for layer in (self._root / "caches").glob("*/*"):
            if layer.name != PRODUCTION and time.time() - layer.stat().st_mtime > UNUSED_S:
                self._discard(layer)
        for left in (self._root / "trash").iterdir():
            shutil.rmtree(left, ignore_errors=True)
        detached.reap()

    def _lives(self, deployment_id: str) -> bool:
        return self._builds.lives(deployment_id) or self._instances.lives(deployment_id)

    def _old(self, deployment_id: str) -> bool:
        newest = 0.0
        for kind in ("builds", "instances", "releases"):
            try:
                newest = max(newest, (self._root / kind / deployment_id).stat().st_mtime)
            except FileNotFoundError:
                continue
        return time.time() - newest >= self._young_s

    def _forget(self, deployment_ids: Sequence[str]) -> None:
        """What their processes still hold open goes when they end: they were told to."""
        self._instances.give_back(deployment_ids)
        for deployment_id in deployment_ids:
            for kind in ("instances", "builds", "releases"):
                self._discard(self._root / kind / safe(deployment_id))

    def _discard(self, directory: Path) -> None:
        """Away at once, so that whoever still lives in it finds nothing to write to."""
        away = self._root / "trash" / f"{directory.name}-{os.getpid()}-{threading.get_native_id()}-{time.time_ns()}"
        try:
            directory.rename(away)
        except FileNotFoundError:
            return
        shutil.rmtree(away, ignore_errors=True)

    async def hints(self, tell: Callable[[str], Awaitable[None]]) -> None:
        while True:
            for deployment_id in bell.rung(self._root):
                await tell(deployment_id)
            await anyio.sleep(bell.LOOK_S)

    async def observe(self, deployment_id: str) -> Observation:
        return await _blocking(lambda: self._observe(deployment_id))

    def _observe(self, deployment_id: str) -> Observation:
        build = self._builds.directory(deployment_id)
        seen = self._builds.see(build)
        return Observation(
            build=seen.state,
            build_failure=seen.failure,
            release=seen.release,
            instances=self._instances.see(deployment_id),
            log_size=self._builds.log_size(build),
        )

    async def log(self, deployment_id: str, kind: LogKind) -> str:
        logs = self._builds if kind is LogKind.BUILD else self._instances
        return await _blocking(lambda: logs.log(deployment_id))


async def _blocking(run: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(run)
