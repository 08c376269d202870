"""The bot on its own stores with an engine and a GitHub of a few lines: for what only shows when two things happen at
once, step by step. Whole stories are told in tests/stories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot import deployments, rollout
from bot.actions import Asked
from bot.errors import Outage, WhaleRayError
from bot.model import (
    Builder,
    BuildPlan,
    BuildState,
    Cause,
    Deployment,
    EngineName,
    Instance,
    InstanceState,
    Observation,
    Release,
    Repository,
    Service,
    Stage,
    StageTime,
    Step,
    Trigger,
)
from bot.ports import Ports, Source, Tree

REPOSITORY = Repository(id=7, owner="octo-org", name="hello", installation_id=1)
SERVICE = "github_1-octo-org-hello"


class Engine:
    """Starts what it is told to at once, at an address of its own; `broken`: deployments it can't do anything for."""

    def __init__(self) -> None:
        self.running: dict[str, list[str]] = {}
        self.broken: dict[str, WhaleRayError] = {}
        self.on_scale: Callable[[str], Awaitable[None]] | None = None
        self._given = 0

    async def start_rollout(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        self.running.setdefault(deployment.id, [self._address() for _ in range(plan.instances)])

    async def scale(self, deployment_id: str, instances: int) -> None:
        if self.on_scale is not None:
            happen, self.on_scale = self.on_scale, None
            await happen(deployment_id)
        if deployment_id in self.broken:
            raise self.broken[deployment_id]
        have = self.running.get(deployment_id, [])
        self.running[deployment_id] = (have + [self._address() for _ in range(instances - len(have))])[:instances]

    async def cancel(self, deployment_id: str) -> None:
        self.running.pop(deployment_id, None)

    async def remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        for deployment_id in deployment_ids:
            await self.cancel(deployment_id)

    async def prune(self, keep: Sequence[str]) -> None:
        pass

    async def observe(self, deployment_id: str) -> Observation:
        seen = [
            Instance(id=f"{deployment_id}-{n}", address=address, port=8080, state=InstanceState.HEALTHY)
            for n, address in enumerate(self.running.get(deployment_id, []))
        ]
        return Observation(build=BuildState.ABSENT, instances=tuple(seen))

    def _address(self) -> str:
        self._given += 1
        return f"127.9.{self._given // 256}.{self._given % 256}"


@dataclass
class GitHub:
    """Who may write, and what was missed."""

    writers: set[str] = field(default_factory=set)

    async def can_write(self, repo: Repository, login: str) -> bool:
        return login in self.writers

    async def tree(self, repo: Repository, sha: str) -> Tree:
        return Tree(entries=())

    async def source(self, repo: Repository, sha: str) -> Source:
        raise Outage("GitHub is out.")

    async def missed_deliveries(self, since: float) -> Sequence[int]:
        return []


@dataclass
class World:
    """`clock` moves when a test says so."""

    ports: Ports
    engine: Engine
    github: GitHub
    clock: list[float]

    async def service(self) -> Service:
        found = await self.ports.store.service(REPOSITORY.id)
        assert found is not None
        return found

    async def deployment(self, name: str) -> Deployment:
        found = await self.ports.store.deployment(name)
        assert found is not None
        return found

    async def registered(self) -> set[str]:
        return set(await self.ports.registry.addresses(SERVICE))

    async def serve(self, name: str = "old", repository: Repository = REPOSITORY, **more: Any) -> Service:
        """A service with a live deployment that runs and is registered."""
        service_id = f"github_1-{repository.owner}-{repository.name}"
        service = Service(
            repository=repository,
            service_id=service_id,
            engine=EngineName.PROCESS,
            live_deployment=name,
            listed=True,
            **more,
        )
        await self.ports.store.put_deployment(self.made(name, Stage.RUNNING, repository))
        await self.engine.scale(name, 1)
        await self.ports.registry.register(service_id, self.engine.running[name], 8080)
        return await self.ports.store.put_service(service)

    async def rolling(self, name: str = "new", *, until: Step = Step.CONFIRM, instances: int = 1) -> Deployment:
        """A deployment whose rollout has come as far as `until`."""
        self.clock[0] += 10
        made = self.made(name, Stage.DEPLOYING)
        plan = BuildPlan(builder=Builder.MAVEN, instances=instances)
        await self.ports.store.put_deployment(made.model_copy(update={"plan": plan}))
        return await self.roll(name, until)

    async def roll(self, name: str, until: Step) -> Deployment:
        """One sub-step after the other, each stored; the router confirms whatever it is asked."""
        while (deployment := await self.deployment(name)).step is not until and not deployment.stage.ended:
            if deployment.step is Step.CONFIRM:
                moved = deployment.model_copy(update={"step": Step.DEREGISTER})
            else:
                moved, _ = await rollout.step(self.ports, deployment)
            await self.ports.store.put_deployment(moved)
            self.clock[0] += 10
        return deployment

    async def finish(self, name: str) -> None:
        """To its end, and what follows from it."""
        await deployments.settle(self.ports, await self.roll(name, Step.DONE))

    def made(self, name: str, stage: Stage, repository: Repository = REPOSITORY) -> Deployment:
        at = self.clock[0]
        return Deployment(
            id=name,
            repository_id=repository.id,
            service_id=f"github_1-{repository.owner}-{repository.name}",
            cause=Cause(delivery=f"delivery-{name}"),
            sha=(name * 40)[:40],
            ref="main",
            stage=stage,
            stage_times=(StageTime(stage=stage, at=at),),
            step_at=at,
            plan=BuildPlan(builder=Builder.MAVEN),
            release=Release(deployment=name, artifact=f"{name}.jar"),
        )

    def asked(self, delivery: str = "asked", actor: str = "octocat") -> Asked:
        return Asked(
            repository=REPOSITORY, actor=actor, delivery=delivery, at=self.clock[0], trigger=Trigger.COMMAND, pr=1
        )
