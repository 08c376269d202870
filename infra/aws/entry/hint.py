"""EventBridge: something happened to a build or a task of AWS."""

from __future__ import annotations

from typing import Any

from bot import deployments
from bot.model import Deployment
from bot.ports import Ports, Store
from infra.aws.entry.world import in_lambda, logger, run, world
from infra.aws.hints import About, about


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: Any) -> None:
    ports = world().ports
    run(_hint(ports, about(event)))


async def _hint(ports: Ports, said: About) -> None:
    """Raises Outage: EventBridge calls again."""
    deployment = await _meant(ports.store, said)
    if deployment is None:
        return
    service = await ports.store.service(deployment.repository_id)
    live = service is not None and service.live_deployment == deployment.id
    if live or not deployment.stage.ended:
        await deployments.hint(ports, deployment)


async def _meant(store: Store, said: About) -> Deployment | None:
    """A service's event is about its rollout, or else about what is live."""
    wanted: str | None = said.deployment
    if not wanted and said.service_id:
        service = await store.service_named(said.service_id)
        wanted = (service.rollout or service.live_deployment) if service else None
    return await store.deployment(wanted) if wanted else None


if in_lambda():
    world()
