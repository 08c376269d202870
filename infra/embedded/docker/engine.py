"""The `docker` engine: what the bot calls. Every call may be repeated, by this process or by the next one: what is to
be lies in the engine's directory, what is there bears labels."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import anyio
from docker import APIClient
from docker.errors import APIError, NotFound

from bot.errors import Outage, WhaleRayError
from bot.model import BuildPlan, Deployment, InstanceState, LogKind, Observation, Release, Service
from bot.ports import Source
from infra.embedded import bell
from infra.embedded.docker.builds import ImageBuilds
from infra.embedded.docker.client import Daemon
from infra.embedded.docker.instances import Instances
from infra.embedded.docker.labels import Labels, deployment_of
from infra.embedded.process import detached
from infra.embedded.process.engine import STOP_S, YOUNG_S

T = TypeVar("T")
CALL_S = 9.5
"""A call of the port returns within 10 s, also where Docker hangs."""
CALLS = 16
WATCH_S = 0.1
"""How often an instance that starts is probed for a hint."""


class DockerEngine:
    """`bot.ports.Engine` on the Docker engine that `environment` names, with its own state under `home/docker`.

    `router_url`: what applications see as their public address. `stop_s`: seconds between SIGTERM and SIGKILL.
    """

    sandboxed = True
    """Builds and applications run in containers."""

    def __init__(
        self,
        home: Path,
        *,
        build_timeout_s: float = 1800,
        max_builds: int = 2,
        router_url: str = "http://127.0.0.1:8000",
        stop_s: float = STOP_S,
        young_s: float = YOUNG_S,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._root = home.resolve() / "docker"
        for name in ("builds", "instances", "trash", "bell"):
            (self._root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        known = dict(os.environ if environment is None else environment)
        self._young_s = young_s
        self._daemon = Daemon(known)
        self._labels = Labels(self._root)
        self._builds = ImageBuilds(
            self._root, self._daemon, self._labels, known, timeout_s=build_timeout_s, most=max_builds
        )
        self._instances = Instances(self._root, self._daemon, self._labels, known, router_url=router_url, stop_s=stop_s)
        self._limiter = anyio.CapacityLimiter(CALLS)
        self._starting: dict[str, Observation] = {}

    async def start_build(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> None:
        await self._blocking(lambda: self._builds.begin(deployment, plan, source, variables))

    async def start_rollout(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        await self._blocking(lambda: self._instances.start(deployment, service, plan, release, env))

    async def cancel(self, deployment_id: str) -> None:
        await self._blocking(lambda: self._cancel(deployment_id))

    def _cancel(self, deployment_id: str) -> None:
        self._builds.cancel(deployment_id)
        self._instances.cancel(deployment_id)

    async def scale(self, deployment_id: str, instances: int) -> None:
        await self._blocking(lambda: self._instances.scale(deployment_id, instances))

    async def remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        await self._blocking(lambda: self._remove(service_id, deployment_ids))

    def _remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        filters = self._labels.filters(service_id)
        with self._daemon.asked() as api:
            api.ping()
            for deployment_id in deployment_ids:
                if self._builds.directory(deployment_id).exists():
                    self._builds.cancel(deployment_id)
                self._instances.give_back(deployment_id)
                self._discard(deployment_id)
            self._instances.end(api, api.containers(all=True, filters=filters))
            for image in api.images(filters=filters):
                _drop(api, image)
            self._instances.drop_network(api)
        detached.reap()

    async def prune(self, keep: Sequence[str]) -> None:
        await self._blocking(lambda: self._prune(set(keep)))

    def _prune(self, keep: set[str]) -> None:
        """Also what a call that was cut short left behind: containers and images whose directories are gone."""
        filters = self._labels.filters()
        with self._daemon.asked() as api:
            kept = {name for name in self._known() if name in keep or self._lives(api, name) or self._young(name)}
            for name in self._known() - kept:
                self._instances.give_back(name)
                self._discard(name)
            containers = api.containers(all=True, filters=filters)
            self._instances.end(api, [one for one in containers if deployment_of(one) not in kept])
            needed = {image for name in kept for image in self._instances.images(name)}
            for image in api.images(filters=filters):
                if deployment_of(image) not in kept | keep and not needed & set(image["RepoTags"] or ()):
                    _drop(api, image)
        for left in (self._root / "trash").iterdir():
            shutil.rmtree(left, ignore_errors=True)
        detached.reap()

    def _known(self) -> set[str]:
        return {path.name for kind in ("builds", "instances") for path in (self._root / kind).iterdir()}

    def _lives(self, api: APIClient, deployment_id: str) -> bool:
        return self._builds.lives(deployment_id) or self._instances.lives(api, deployment_id)

    def _young(self, deployment_id: str) -> bool:
        newest = 0.0
        for directory in (self._builds.directory(deployment_id), self._instances.directory(deployment_id)):
            if directory.exists():
                newest = max(newest, directory.stat().st_mtime)
        return time.time() - newest < self._young_s

    def _discard(self, deployment_id: str) -> None:
        """Away at once, so that whoever still lives in it finds nothing to write to."""
        for directory in (self._instances.directory(deployment_id), self._builds.directory(deployment_id)):
            away = self._root / "trash" / f"{directory.parent.name}-{directory.name}-{time.time_ns()}"
            try:
                directory.rename(away)
            except FileNotFoundError:
                continue
            shutil.rmtree(away, ignore_errors=True)

    async def hints(self, tell: Callable[[str], Awaitable[None]]) -> None:
        """Of builds that end, of instances that stop, and of those that were seen starting and no longer do."""
        while True:
            for deployment_id in bell.rung(self._root):
                await tell(deployment_id)
            for deployment_id, before in list(self._starting.items()):
                try:
                    now = await self.observe(deployment_id)
                except WhaleRayError:
                    continue
                if _states(now) != _states(before):
                    await tell(deployment_id)
            await anyio.sleep(WATCH_S if self._starting else bell.LOOK_S)

    async def observe(self, deployment_id: str) -> Observation:
        seen = await self._blocking(lambda: self._observe(deployment_id))
        if any(instance.state is InstanceState.STARTING for instance in seen.instances):
            self._starting[deployment_id] = seen
        else:
            self._starting.pop(deployment_id, None)
        return seen

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
        return await self._blocking(lambda: logs.log(deployment_id))

    async def _blocking(self, run: Callable[[], T]) -> T:
        """Where Docker hangs the thread is left to itself: whatever it does may be repeated."""
        with anyio.move_on_after(CALL_S):
            return await anyio.to_thread.run_sync(run, limiter=self._limiter, abandon_on_cancel=True)
        raise Outage("Docker is too slow.", f"It did not answer within {CALL_S:g} s.", "It is asked again.")


def _states(seen: Observation) -> list[InstanceState]:
    return [instance.state for instance in seen.instances]


def _drop(api: APIClient, image: dict[str, Any]) -> None:
    """An image that something else still uses stays: Docker says so by a conflict."""
    for name in image["RepoTags"] or [image["Id"]]:
        try:
            api.remove_image(name)
        except NotFound:
            continue
        except APIError as error:
            if error.status_code != 409:
                raise
