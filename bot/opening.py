"""A deployment is opened: once for each cause, and what it overtakes is cancelled."""

from __future__ import annotations

from dataclasses import dataclass

from bot import deployments, services, stages
from bot.errors import Conflict
from bot.model import Cause, Deployment, Kind, Repository, Stage, StageTime
from bot.naming import deployment_id
from bot.ports import Ports


@dataclass(frozen=True)
class Request:
    """Somebody wants a commit to be live."""

    repository: Repository
    sha: str
    ref: str
    cause: Cause
    actor: str = ""
    pr: int | None = None
    message: str = ""
    environment: str = "production"
    waits: bool = False
    rollback_to: Deployment | None = None


async def open_deployment(ports: Ports, request: Request) -> Deployment:
    """The deployment of this cause, opened once however often it is asked for; it cancels what it makes stale."""
    service = await services.claim(ports, request.repository)
    wanted = deployment_id(request.cause, service.service_id)
    deployment = await ports.store.deployment(wanted)
    if deployment is None:
        try:
            deployment = await ports.store.put_deployment(_opened(ports, request, wanted, service.service_id))
        except Conflict:
            deployment = await ports.store.deployment(wanted)
            if deployment is None:
                raise
    if not deployment.stage.ended:
        await _supersede(ports, deployment)
    await deployments.converge(ports, deployment)
    return deployment


def _opened(ports: Ports, request: Request, wanted: str, service_id: str) -> Deployment:
    now = ports.clock()
    back = request.rollback_to
    first = Stage.DEPLOYING if back else Stage.INSPECTING
    return Deployment(
        id=wanted,
        repository_id=request.repository.id,
        service_id=service_id,
        kind=Kind.ROLLBACK if back else Kind.DEPLOY,
        cause=request.cause,
        sha=request.sha,
        ref=request.ref,
        message=request.message,
        environment=request.environment,
        pr=request.pr,
        actor=request.actor,
        waits=request.waits,
        stage=first,
        stage_times=(StageTime(stage=first, at=now),),
        step_at=now,
        plan=back.plan if back else None,
        release=back.release if back else None,
    )


async def _supersede(ports: Ports, newer: Deployment) -> None:
    """Newest wins: what this one overtakes before its rollout began is cancelled."""
    for older in await ports.store.deployments_of(newer.repository_id):
        if older.id != newer.id and stages.can_be_superseded(older) and older.opened_at <= newer.opened_at:
            await deployments.cancel(ports, older, by=newer.short_sha)


async def rollback_target(ports: Ports, repository_id: int, named: str | None) -> Deployment | None:
    """The version before the live one, or the one that `named` (a deployment's id or a commit, abbreviated or not)
    names: it went live once and its release is kept."""
    service = await ports.store.service(repository_id)
    if service is None:
        return None
    good = [
        d
        for d in await ports.store.deployments_of(repository_id, limit=100)
        if d.stage is Stage.RUNNING and d.release is not None and d.id != service.live_deployment
    ]
    if named is not None:
        return next((d for d in good if d.id.startswith(named) or d.sha.startswith(named)), None)
    live = await ports.store.deployment(service.live_deployment) if service.live_deployment else None
    return next((d for d in good if live is None or d.sha != live.sha), None)
