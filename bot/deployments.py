"""The story of a deployment: progressed a step at a time once it is open, settled when it has ended.

Whatever calls these may be killed between any two lines and call again: every change is a conditional write on what
was read, and every call starts from what is stored.
"""

from __future__ import annotations

import structlog

from bot import rollout, services, stages
from bot.errors import Conflict, Gone, OurError, UserError, WhaleRayError
from bot.events import Hint, Show, group_of
from bot.explaining import explain
from bot.inspection import ConfigError, inspect
from bot.model import BuildState, Deployment, Desired, Failure, LogKind, Release, Service, Stage
from bot.ports import Ports

log = structlog.get_logger(__name__)

POLL_S = 2.0
"""How soon a build is looked at again when nothing hints that it changed."""
QUEUE_S = 6 * 3600.0
"""The engine ends a build that takes too long, counted from its turn; longer than this nobody waits for a turn."""
POLL_CHECKS_S = 10.0
NO_CHECKS_S = 30.0
"""A commit of which no check has shown up by then has none: CI services create theirs within seconds."""
CHECKS_TIMEOUT_S = 6 * 3600.0
"""GitHub ends an Actions job after 6 hours."""
_STEPS = 20
"""More than any deployment needs in a row: a bound against a loop, not a limit."""


async def converge(ports: Ports, deployment: Deployment) -> None:
    """What may have been cut off after this deployment was stored is taken up again."""
    await show(ports, deployment)
    await hint(ports, deployment)


async def cancel(ports: Ports, deployment: Deployment, *, by: str) -> bool:
    """End it before its rollout; False where that is too late. The hint goes first, so that a crash after the write
    still finds somebody to end its build."""
    while stages.can_be_superseded(deployment):
        await hint(ports, deployment)
        try:
            cancelled = await ports.store.put_deployment(stages.cancel(deployment, by, ports.clock()))
        except Conflict:
            reloaded = await ports.store.deployment(deployment.id)
            if reloaded is None:
                return False
            deployment = reloaded
            continue
        await settle(ports, cancelled)
        return True
    return False


async def progress(ports: Ports, wanted: str) -> None:
    """Take a deployment as far as it goes now, and see to it that somebody looks again when it is due."""
    for _ in range(_STEPS):
        deployment = await ports.store.deployment(wanted)
        if deployment is None:
            return
        if deployment.stage.ended:
            await settle(ports, deployment)
            return
        try:
            due = await _step(ports, deployment)
        except Conflict:
            continue
        except rollout.Broken as broken:
            await _fail(ports, deployment, broken.failure)
        except (UserError, OurError, Gone) as error:
            await _fail(ports, deployment, _failure(deployment, error))
        else:
            if due:
                await later(ports, deployment, due)
                return
    await hint(ports, await _reload(ports, wanted))


async def give_up(ports: Ports, wanted: str) -> None:
    """After too many attempts at a step that breaks WhaleRay itself: an end that says so."""
    deployment = await ports.store.deployment(wanted)
    if deployment is None or deployment.stage.ended:
        return
    failure = Failure(
        stage=deployment.stage,
        what="WhaleRay itself failed here, several times.",
        why="Its own log has the error.",
        mend="Deploy again; if it stays, whoever runs WhaleRay can look for this deployment's id in its log.",
    )
    await rollout.undo(ports, deployment)
    await _put(ports, stages.fail(deployment, failure, ports.clock()))
    await settle(ports, await _reload(ports, wanted))


async def _step(ports: Ports, deployment: Deployment) -> float:
    """One step; seconds until the next is due, 0 for at once."""
    service = await ports.store.service(deployment.repository_id)
    if service is None or service.desired is Desired.REMOVED:
        await _put(ports, stages.cancel(deployment, "", ports.clock()))
        return 0
    match deployment.stage:
        case Stage.INSPECTING:
            return await _inspect(ports, service, deployment)
        case Stage.BUILDING:
            return await _build(ports, service, deployment)
        case _:
            moved, due = await rollout.step(ports, deployment)
            if moved is not deployment:
                await _put(ports, moved)
            return due


async def _inspect(ports: Ports, service: Service, deployment: Deployment) -> float:
    if deployment.waits and (due := await _others(ports, service, deployment)):
        return due
    tree = await ports.github.tree(service.repository, deployment.sha)
    blobs = {entry.path: entry.sha for entry in tree.entries}

    async def read(path: str) -> bytes:
        return await ports.github.file(service.repository, blobs[path])

    plan = await inspect(tree, read)
    await services.update(
        ports, service.repository_id, when=lambda now: not now.listed and now.rollout is None, port=plan.port
    )
    await _put(ports, stages.enter(deployment.model_copy(update={"plan": plan}), Stage.BUILDING, ports.clock()))
    return 0


async def _others(ports: Ports, service: Service, deployment: Deployment) -> float:
    """Seconds until the commit's other checks are looked at again; 0 when they have passed. Raises UserError."""
    waited = ports.clock() - deployment.opened_at
    match await ports.github.other_checks(service.repository, deployment.sha):
        case "failed":
            raise UserError(
                "Another check of this commit failed.",
                "`.whaleray.yml` says `wait_for_checks: true`.",
                "Mend that check and push, or deploy all the same with Redeploy.",
            )
        case "passed":
            return 0
        case "none" if waited > NO_CHECKS_S:
            return 0
        case _ if waited > CHECKS_TIMEOUT_S:
            raise UserError(
                f"The commit's other checks did not end in {CHECKS_TIMEOUT_S / 3600:.0f} hours.",
                "`.whaleray.yml` says `wait_for_checks: true`.",
                "Look at what they wait for, or deploy all the same with Redeploy.",
            )
        case _:
            return max(POLL_CHECKS_S, waited / 10)


async def _build(ports: Ports, service: Service, deployment: Deployment) -> float:
    seen = await ports.engine.observe(deployment.id)
    match seen.build:
        case BuildState.ABSENT:
            await _start_build(ports, service, deployment)
            return POLL_S
        case BuildState.SUCCEEDED:
            release = seen.release or Release(deployment=deployment.id, artifact="", sha=deployment.sha)
            released = deployment.model_copy(update={"release": release})
            await _put(ports, stages.enter(released, Stage.DEPLOYING, ports.clock()))
            return 0
        case BuildState.FAILED:
            unsaid = Failure(stage=Stage.BUILDING, what="The build failed.", log="build")
            await _fail(ports, deployment, seen.build_failure or unsaid)
            return 0
        case BuildState.CANCELLED:
            await _put(ports, stages.cancel(deployment, "", ports.clock()))
            return 0
        case BuildState.QUEUED | BuildState.RUNNING:
            since = deployment.entered(Stage.BUILDING) or ports.clock()
            longest = ports.build_timeout_s + QUEUE_S
            if ports.clock() - since > longest:
                raise UserError(
                    "The build did not end.",
                    f"With its time in the queue it took more than {longest / 3600:.1f} hours.",
                    "Look at the log's end for what it waits for, then deploy again.",
                )
            return POLL_S


async def _start_build(ports: Ports, service: Service, deployment: Deployment) -> None:
    if deployment.plan is None:
        raise OurError(f"Deployment {deployment.id} is {deployment.stage} and has no plan.")
    source = await ports.github.source(service.repository, deployment.sha)
    variables = {
        "DEPLOYMENT_ID": deployment.id,
        "COMMIT_SHA": deployment.sha,
        "SERVICE_ID": deployment.service_id,
        "ECR_IMAGE_URI": "",
    }
    await ports.engine.start_build(deployment, deployment.plan, source, variables)


def _failure(deployment: Deployment, error: WhaleRayError) -> Failure:
    path, line = (error.path, error.line) if isinstance(error, ConfigError) else ("", 0)
    return Failure(stage=deployment.stage, what=error.what, why=error.why, mend=error.mend, path=path, line=line)


async def _fail(ports: Ports, deployment: Deployment, failure: Failure) -> None:
    await rollout.undo(ports, deployment)
    diagnosis = await explain(ports, deployment, LogKind(failure.log)) if failure.log else None
    await _put(ports, stages.fail(deployment, failure, ports.clock(), diagnosis))


async def diagnose_again(ports: Ports, failed: Deployment) -> Deployment:
    """`failed` with a new diagnosis, shown on GitHub, too; as it was where no log holds the cause."""
    if failed.failure is None or failed.failure.log is None:
        return failed
    diagnosis = await explain(ports, failed, LogKind(failed.failure.log))
    await _put(ports, failed.model_copy(update={"diagnosis": diagnosis}))
    return await _reload(ports, failed.id)


async def settle(ports: Ports, deployment: Deployment) -> None:
    """What follows from an end, done as often as asked: instances and builds that nobody needs end, GitHub is told."""
    service = await ports.store.service(deployment.repository_id)
    if service is None:
        return
    if service.rollout == deployment.id:
        # The next one may have begun its own meanwhile, since this one has ended.
        ended = await services.update(
            ports, service.repository_id, when=lambda now: now.rollout == deployment.id, rollout=None
        )
        service = ended or service
    if deployment.stage is not Stage.RUNNING:
        await ports.engine.cancel(deployment.id)
        if service.desired is Desired.REMOVED:
            await services.forget_addresses(ports, service)  # its rollout may have added some while it was removed
    elif service.live_deployment != deployment.id:
        await ports.engine.scale(deployment.id, 0)
    else:
        await services.restore(ports, service.repository_id)
        if deployment.replaced:
            await ports.engine.scale(deployment.replaced, 0)
            if replaced := await ports.store.deployment(deployment.replaced):
                await show(ports, replaced)
    await show(ports, deployment)


async def hint(ports: Ports, deployment: Deployment) -> None:
    """Have somebody look at it, after whoever looks at it now."""
    event = Hint(deployment=deployment.id, repository_id=deployment.repository_id)
    await ports.inbox.send(event, group=group_of(event), key=f"hint:{deployment.id}")


async def later(ports: Ports, deployment: Deployment, seconds: float) -> None:
    """The same in a while: the view's queue holds it until then, so that the inbox keeps its order."""
    event = Hint(deployment=deployment.id, repository_id=deployment.repository_id)
    await ports.view.send(event, group=f"hint-{deployment.id}", key=f"hint:{deployment.id}", delay=seconds)


async def show(ports: Ports, deployment: Deployment, delay: float = 0.0) -> None:
    event = Show(deployment=deployment.id, repository_id=deployment.repository_id, pr=deployment.pr)
    await ports.view.send(event, group=group_of(event), key=f"show:{deployment.id}", delay=delay)


async def _put(ports: Ports, deployment: Deployment) -> None:
    stored = await ports.store.put_deployment(deployment)
    log.info("deployment", id=stored.id, service=stored.service_id, stage=stored.stage.value, step=stored.step.value)
    await show(ports, stored)


async def _reload(ports: Ports, wanted: str) -> Deployment:
    deployment = await ports.store.deployment(wanted)
    if deployment is None:
        raise OurError(f"Deployment {wanted} has vanished from the store.")
    return deployment
