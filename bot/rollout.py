"""Replacing a version with no failed request, as stored sub-steps: each call does one and says when the next is due.

The new instances start beside the old ones; they are in the registry and answer through the router before the old
ones leave it; the old ones are ended only when the router can't know of them any more.
"""

from __future__ import annotations

from bot import services, stages
from bot.errors import Gone, OurError
from bot.model import Deployment, Desired, Failure, Instance, InstanceState, Observation, Service, Stage, Step
from bot.ports import Ports

POLL_S = 0.1
"""How soon the router is asked again: it takes a new address up within a second or two, and gives no hint."""
POLL_HEALTH_S = 1.0
"""How soon an instance is looked at again when nothing hints that it changed."""
WAIT_FOR_OTHER_S = 0.5
CONFIRM_TIMEOUT_S = 60.0
"""The router resolves a name anew every second or two: a minute without the new version means that it is down."""


class Broken(Exception):
    """The new version can't go live; the old one was left in place."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.what)
        self.failure = failure


async def step(ports: Ports, deployment: Deployment) -> tuple[Deployment, float]:
    """The deployment after its next sub-step (unchanged: the same object), and seconds until the one after is due."""
    service = await _service(ports, deployment)
    match deployment.step:
        case Step.START:
            return await _start(ports, service, deployment)
        case Step.HEALTHY:
            return await _healthy(ports, deployment)
        case Step.REGISTER:
            return await _register(ports, service, deployment)
        case Step.CONFIRM:
            return await _confirm(ports, deployment)
        case Step.DEREGISTER:
            return await _deregister(ports, service, deployment)
        case Step.DRAIN | Step.DONE:
            return await _drain(ports, service, deployment)


async def _start(ports: Ports, service: Service, deployment: Deployment) -> tuple[Deployment, float]:
    if service.rollout not in (None, deployment.id):
        other = await ports.store.deployment(service.rollout)
        if other is not None and not other.stage.ended:
            return deployment, WAIT_FOR_OTHER_S
    if newer := await _newer(ports, service, deployment):
        return stages.cancel(deployment, newer.short_sha, ports.clock()), 0
    plan, release = deployment.plan, deployment.release
    if plan is None or release is None:
        raise OurError(f"Deployment {deployment.id} is DEPLOYING without a plan and a release.")
    claimed = service.model_copy(update={"rollout": deployment.id})
    if claimed != service:
        service = await ports.store.put_service(claimed)
    env = dict(plan.env) | dict(await ports.secrets.get(service.service_id))
    await ports.engine.start_rollout(deployment, service, plan, release, env)
    started = deployment.model_copy(update={"replaced": service.live_deployment})
    return stages.step_to(started, Step.HEALTHY, ports.clock()), POLL_HEALTH_S


async def _newer(ports: Ports, service: Service, deployment: Deployment) -> Deployment | None:
    """One opened later that is live or about to be: an older commit must not replace it."""
    for other in await ports.store.deployments_of(deployment.repository_id):
        if other.opened_at > deployment.opened_at and (
            other.stage is Stage.DEPLOYING or other.id == service.live_deployment
        ):
            return other
    return None


async def _healthy(ports: Ports, deployment: Deployment) -> tuple[Deployment, float]:
    seen = await _alive(ports, deployment)
    wanted = deployment.plan.instances if deployment.plan else 1
    healthy = [i for i in seen.instances if i.state is InstanceState.HEALTHY]
    if len(healthy) >= wanted:
        return stages.step_to(deployment, Step.REGISTER, ports.clock()), 0
    if ports.clock() - deployment.step_at > ports.start_timeout_s:
        last = next((i.detail for i in seen.instances if i.detail), "nothing listened on its port")
        raise Broken(
            Failure(
                stage=Stage.DEPLOYING,
                what=f"The application did not become healthy in {ports.start_timeout_s:.0f} s.",
                why=f"The last probe said: {last}.",
                mend=_probe_mend(deployment),
                log="app",
            )
        )
    return deployment, POLL_HEALTH_S


def _probe_mend(deployment: Deployment) -> str:
    health = deployment.plan.health if deployment.plan else None
    if health is None or health.path is None:
        return "It is probed at `/` on the port in `SERVER_PORT`: any answer below 500 counts as healthy."
    return f"It is probed at `{health.path}` on the port in `SERVER_PORT`: 200, 401 and 403 count as healthy."


async def _register(ports: Ports, service: Service, deployment: Deployment) -> tuple[Deployment, float]:
    seen = await _alive(ports, deployment)
    if not service.listed:
        await services.update(ports, service.repository_id, listed=True)
    await services.publish(ports)
    await ports.registry.register(service.service_id, _addresses(seen), service.port)
    return stages.step_to(deployment, Step.CONFIRM, ports.clock()), POLL_S


async def _confirm(ports: Ports, deployment: Deployment) -> tuple[Deployment, float]:
    seen = await _alive(ports, deployment)
    path = (deployment.plan.health.path if deployment.plan else None) or "/"
    confirmed = [await ports.registry.confirm(deployment.service_id, a, path) for a in _addresses(seen)]
    if confirmed and all(confirmed):
        return stages.step_to(deployment, Step.DEREGISTER, ports.clock()), 0
    if ports.clock() - deployment.step_at > CONFIRM_TIMEOUT_S:
        raise Broken(
            Failure(
                stage=Stage.DEPLOYING,
                what="The application is healthy and the router does not reach it.",
                why=f"No request through the router was answered by it in {CONFIRM_TIMEOUT_S:.0f} s.",
                mend="Whoever runs WhaleRay can see with `whaleray doctor` what is wrong with the router.",
            )
        )
    return deployment, POLL_S


async def _deregister(ports: Ports, service: Service, deployment: Deployment) -> tuple[Deployment, float]:
    seen = await _alive(ports, deployment)
    new = set(_addresses(seen))
    await ports.registry.register(service.service_id, sorted(new), service.port)  # again: nothing may have gone between
    old = [a for a in await ports.registry.addresses(service.service_id) if a not in new]
    if old:
        await ports.registry.deregister(service.service_id, old)
    return stages.step_to(deployment, Step.DRAIN, ports.clock()), 0


async def _drain(ports: Ports, service: Service, deployment: Deployment) -> tuple[Deployment, float]:
    """The old version still serves whoever resolved it before; with none there is nothing to wait for."""
    if service.live_deployment == deployment.id:
        return _went_live(ports, deployment), 0
    await _alive(ports, deployment)
    left = await ports.registry.drain_seconds() - (ports.clock() - deployment.step_at)
    if deployment.replaced is not None and left > 0:
        return deployment, left
    starts = service.desired is Desired.STOPPED and service.stopped_at <= deployment.opened_at
    live = service.model_copy(
        update={
            "live_deployment": deployment.id,
            "rollout": None,
            "desired": Desired.RUNNING if starts else service.desired,
            "instances": deployment.plan.instances if deployment.plan else 1,
        }
    )
    await ports.store.put_service(live)
    return _went_live(ports, deployment), 0


def _went_live(ports: Ports, deployment: Deployment) -> Deployment:
    now = ports.clock()
    return stages.enter(stages.step_to(deployment, Step.DONE, now), Stage.RUNNING, now)


async def undo(ports: Ports, deployment: Deployment) -> None:
    """Give the registry back to the version that is live, before the new one's instances end."""
    service = await ports.store.service(deployment.repository_id)
    if service is None or service.rollout != deployment.id or service.live_deployment == deployment.id:
        return
    known = set(await ports.registry.addresses(service.service_id))
    if service.live_deployment is not None:
        old = set(_addresses(await ports.engine.observe(service.live_deployment)))
        if old - known:
            await ports.registry.register(service.service_id, sorted(old - known), service.port)
    new = {i.address for i in (await ports.engine.observe(deployment.id)).instances}
    gone = known if service.live_deployment is None else new & known
    if gone:
        await ports.registry.deregister(service.service_id, sorted(gone))


async def _alive(ports: Ports, deployment: Deployment) -> Observation:
    """What the engine sees, none of it dead. Raises Broken."""
    seen = await ports.engine.observe(deployment.id)
    if deployment.step is not Step.HEALTHY and not seen.instances:
        raise Broken(_died("it is gone"))
    for instance in seen.instances:
        if instance.state is InstanceState.EXITED:
            raise Broken(_died(instance.detail or "it ended"))
    return seen


def _died(detail: str) -> Failure:
    if detail == "exit code 0":
        return Failure(
            stage=Stage.DEPLOYING,
            what="The application ended by itself instead of listening: exit code 0.",
            why="It did what it had to do, and nothing in it waits for requests.",
            mend="A service has to keep listening on `SERVER_PORT`: `spring-boot-starter-web` brings what does. "
            "A program that does its work and ends can't be a service.",
            log="app",
        )
    return Failure(
        stage=Stage.DEPLOYING,
        what=f"The application stopped while it was starting: {detail}.",
        why="",
        mend="The end of its own log has the reason.",
        log="app",
    )


def _addresses(seen: Observation) -> list[str]:
    return [instance.address for instance in _serving(seen)]


def _serving(seen: Observation) -> list[Instance]:
    return [i for i in seen.instances if i.state is not InstanceState.EXITED]


async def _service(ports: Ports, deployment: Deployment) -> Service:
    service = await ports.store.service(deployment.repository_id)
    if service is None:
        raise Gone("The repository's service was removed while it was being deployed.")
    return service
