"""An engine that builds and runs nothing, and a registry whose router always agrees: what is left is the bot itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.model import (
    BuildPlan,
    BuildState,
    Deployment,
    Instance,
    InstanceState,
    LogKind,
    Observation,
    Release,
    Service,
)
from bot.ports import Registry, Source


class FakeEngine:
    """`bot.ports.Engine`. A build ends after `build_s` seconds, an instance is healthy at once. What it keeps of a
    deployment is forgotten when it is pruned, as engines do."""

    def __init__(self, build_s: float) -> None:
        self._build_s = build_s
        self._building: set[str] = set()
        self._built: dict[str, Release] = {}
        self._running: dict[str, str] = {}
        self._addresses = 0
        self._happened: asyncio.Queue[str] = asyncio.Queue()

    async def start_build(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> None:
        if deployment.id in self._building or deployment.id in self._built:
            return
        self._building.add(deployment.id)
        asyncio.get_running_loop().call_later(self._build_s, self._end, deployment.id, deployment.sha)

    def _end(self, deployment_id: str, sha: str) -> None:
        if deployment_id in self._building:
            self._building.discard(deployment_id)
            self._built[deployment_id] = Release(deployment=deployment_id, artifact="app.jar", size=1, sha=sha)
            self._happened.put_nowait(deployment_id)

    async def start_rollout(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        self._run(deployment.id)
        self._happened.put_nowait(deployment.id)

    def _run(self, deployment_id: str) -> None:
        if deployment_id not in self._running:
            number, self._addresses = self._addresses, self._addresses + 1
            self._running[deployment_id] = f"127.{64 + number // 62500 % 60}.{number // 250 % 250}.{number % 250 + 1}"

    async def cancel(self, deployment_id: str) -> None:
        self._building.discard(deployment_id)
        self._running.pop(deployment_id, None)

    async def scale(self, deployment_id: str, instances: int) -> None:
        if instances:
            self._run(deployment_id)
        else:
            self._running.pop(deployment_id, None)

    async def remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        for each in deployment_ids:
            self._running.pop(each, None)
            self._built.pop(each, None)

    async def prune(self, keep: Sequence[str]) -> None:
        kept = set(keep) | self._running.keys()
        self._built = {each: release for each, release in self._built.items() if each in kept}

    async def hints(self, tell: Callable[[str], Awaitable[None]]) -> None:
        while True:
            await tell(await self._happened.get())

    async def observe(self, deployment_id: str) -> Observation:
        address = self._running.get(deployment_id)
        release = self._built.get(deployment_id)
        state = BuildState.RUNNING if deployment_id in self._building else BuildState.ABSENT
        healthy = InstanceState.HEALTHY
        return Observation(
            build=BuildState.SUCCEEDED if release else state,
            release=release,
            instances=(Instance(id=deployment_id, address=address, port=8080, state=healthy),) if address else (),
        )

    async def log(self, deployment_id: str, kind: LogKind) -> str:
        return ""


class AgreeingRegistry:
    """`bot.ports.Registry`: stores as the real one, and says of every address that the router reached it."""

    def __init__(self, real: Registry) -> None:
        self._real = real

    async def register(self, service_id: str, addresses: Sequence[str], port: int) -> None:
        await self._real.register(service_id, addresses, port)

    async def deregister(self, service_id: str, addresses: Sequence[str]) -> None:
        await self._real.deregister(service_id, addresses)

    async def addresses(self, service_id: str) -> Sequence[str]:
        return await self._real.addresses(service_id)

    async def publish(self, services: Sequence[tuple[str, int]]) -> None:
        await self._real.publish(services)

    async def confirm(self, service_id: str, address: str, health_path: str) -> bool:
        return True

    async def drain_seconds(self) -> float:
        return 0.0
