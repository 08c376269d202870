"""Make GitHub show what is stored. Every call may be repeated: what is shown already is not written again, and what
an earlier attempt may have created is looked for before it is created."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot import deployments, render
from bot.errors import Gone
from bot.events import Answer, Neutral
from bot.model import Deployment, Desired, LogKind, Repository, Service, Stage, Trigger, View
from bot.naming import service_url
from bot.neutral import view_name
from bot.ports import CheckRun, Ports
from bot.public_log import public_log

LOG_EVERY_S = 15.0
"""docs/design.md: the log's tail in a check is written at most this often."""
TAILS_PER_MINUTE = 20
"""Of the 80 content-creating requests a minute that GitHub allows an installation (its documentation of secondary
limits)."""


async def show(ports: Ports, deployment_id: str) -> None:
    """Check run, GitHub deployment with its status, and the pull request's sticky comment."""
    deployment = await ports.store.deployment(deployment_id)
    service = await ports.store.service(deployment.repository_id) if deployment else None
    if deployment is None or service is None or service.desired is Desired.REMOVED:
        return
    scene = await _scene(ports, deployment, service)
    view = await ports.store.view(deployment.id)
    view = await _show_check(ports, scene, view)
    if deployment.stage is not Stage.INSPECTING:
        view = await _show_deployment(ports, scene, view)
    if deployment.pr is not None:
        await _show_sticky(ports, scene, deployment.pr)
    elif deployment.stage is Stage.FAILED and deployment.cause.trigger is Trigger.PUSH:
        await _tell_merged(ports, scene)
    if deployment.stage is Stage.BUILDING:
        building = sum(d.stage is Stage.BUILDING for d in await ports.store.in_flight())
        await deployments.show(ports, deployment, delay=tail_every(building))


def tail_every(building: int) -> float:
    """Seconds between two writes of a log's tail while that many build: together they leave GitHub's limit to what
    matters more, the ends of deployments and the answers to people."""
    return max(LOG_EVERY_S, building * 60 / TAILS_PER_MINUTE)


async def _scene(ports: Ports, deployment: Deployment, service: Service) -> render.Scene:
    async def load(name: str | None) -> Deployment | None:
        return await ports.store.deployment(name) if name else None

    text = ""
    if deployment.stage is Stage.BUILDING or (deployment.failure and deployment.failure.log == "build"):
        text = await public_log(ports, deployment, LogKind.BUILD)
    now = ports.clock()
    return render.Scene(
        deployment=deployment,
        repository=service.repository,
        service_url=service_url(ports.services_url, service.service_id),
        now=now,
        live=await load(service.live_deployment),
        replaced=await load(deployment.replaced),
        log=text,
        log_at=now,
        log_url=ports.log_url(deployment.id),
        app_log_url=ports.app_log_url(deployment.id),
    )


async def _show_check(ports: Ports, scene: render.Scene, view: View) -> View:
    check = render.check_run(scene, actions=_actions(scene.deployment, scene.live))
    return await _show_check_of(ports, scene.repository, check, view)


async def _show_check_of(ports: Ports, repository: Repository, check: CheckRun, view: View) -> View:
    written = render.fingerprint(check)
    if view.check_run_id is not None and view.hashes.get("check") == written:
        return view
    if view.check_run_id is not None:
        await ports.github.update_check_run(repository, view.check_run_id, check)
        return await _remember(ports, view, "check", written)

    async def find() -> int | None:
        return await ports.github.find_check_run(repository, check.head_sha, check.external_id)

    async def create() -> int:
        return await ports.github.create_check_run(repository, check)

    made, view, found = await _once(ports, view, "check", find, create)
    view = view.model_copy(update={"check_run_id": made})
    if found:
        await ports.github.update_check_run(repository, made, check)
    return await _remember(ports, view, "check", written)


def _actions(deployment: Deployment, live: Deployment | None) -> tuple[str, ...]:
    if not deployment.stage.ended:
        return ()
    if deployment.failure is not None and deployment.failure.log is not None:
        return ("redeploy", "diagnose")
    rollback = live is not None and live.id == deployment.id and deployment.replaced is not None
    return ("redeploy", "rollback") if rollback else ("redeploy",)


async def _show_deployment(ports: Ports, scene: render.Scene, view: View) -> View:
    deployment = scene.deployment
    if view.github_deployment_id is None:
        description = render.deployment_description(deployment)

        async def find() -> int | None:
            return await ports.github.find_deployment(scene.repository, deployment.sha, deployment.id)

        async def create() -> int:
            return await ports.github.create_deployment(
                scene.repository, deployment.sha, deployment.environment, deployment.id, description
            )

        made, view, _ = await _once(ports, view, "deployment", find, create)
        view = view.model_copy(update={"github_deployment_id": made})
        await ports.store.put_view(view)
    state = _github_state(deployment, scene.live)
    if view.github_deployment_id is None or view.hashes.get("status") == state:
        return view
    await ports.github.set_deployment_status(
        scene.repository,
        view.github_deployment_id,
        state,
        environment_url=scene.service_url if state == "success" else "",
        log_url=scene.log_url,
        description=render.deployment_description(deployment),
    )
    return await _remember(ports, view, "status", state)


def _github_state(deployment: Deployment, live: Deployment | None) -> str:
    if deployment.stage is Stage.RUNNING and (live is None or live.id != deployment.id):
        return "inactive"  # GitHub's own auto_inactive leaves production out
    return render.github_state(deployment.stage)


async def _show_sticky(ports: Ports, scene: render.Scene, pr: int) -> None:
    """One comment a pull request, which its newest deployment owns."""
    repository = scene.repository
    newest = next((d for d in await ports.store.deployments_of(repository.id) if d.pr == pr), None)
    if newest is None or newest.id != scene.deployment.id:
        return
    view = await ports.store.view(f"sticky:{repository.id}:{pr}")
    closed = await ports.store.branch(repository.id, f"refs/pull/{pr}/closed")
    body = render.closed_pull_request(scene) if closed is not None and closed.sha else render.sticky(scene)
    written = render.fingerprint_text(body)
    if view.hashes.get("sticky") == written:
        return
    if view.sticky_comment_id is not None:
        try:
            await ports.github.update_comment(repository, view.sticky_comment_id, body)
        except Gone:  # somebody deleted it: a new one is made
            view = view.model_copy(update={"sticky_comment_id": None})
        else:
            await _remember(ports, view, "sticky", written)
            return

    async def find() -> int | None:
        return await ports.github.find_comment(repository, pr, render.STICKY_MARKER)

    async def create() -> int:
        return await ports.github.create_comment(repository, pr, body)

    made, view, found = await _once(ports, view, "sticky", find, create)
    if found:
        await ports.github.update_comment(repository, made, body)
    await _remember(ports, view.model_copy(update={"sticky_comment_id": made}), "sticky", written)


async def _tell_merged(ports: Ports, scene: render.Scene) -> None:
    """A push to the default branch that failed is answered once on the pull request that it merged."""
    deployment, repository = scene.deployment, scene.repository
    key = f"merged:{deployment.id}"
    view = await ports.store.view(key)
    if view.hashes.get("merged"):
        return
    merged = await ports.github.merged_from(repository, deployment.sha)
    if merged is not None:
        await _comment_once(ports, view, repository, merged, render.failed_default_branch(scene))
        view = await ports.store.view(key)
    await _remember(ports, view, "merged", str(merged))


async def neutral(ports: Ports, event: Neutral) -> None:
    """The check of a commit that is not deployed; the newest reason stands in it."""
    repository, sha = event.repository, event.sha
    if not sha:
        named = await ports.github.repository(repository.installation_id, repository.id)
        sha = (await ports.github.branch_head(named, named.default_branch) or "") if named else ""
        if named is None or not sha:
            return
        repository = named
    if not event.sha and any(d.sha == sha for d in await ports.store.deployments_of(repository.id)):
        return  # it has a check of its own already
    service = await ports.store.service(repository.id)
    lock = service.locked_by if service else None
    check = render.neutral(event.reason, repository, sha, event.pr, lock, ports.clock())
    view = await ports.store.view(view_name(repository.id, sha))
    if view.pr != event.pr:
        view = view.model_copy(update={"pr": event.pr})
        await ports.store.put_view(view)
    await _show_check_of(ports, repository, check, view)


async def answer(ports: Ports, event: Answer) -> None:
    """A reaction and, where there is something to say, one comment, found again by its marker."""
    if event.reaction:
        await ports.github.react(event.repository, event.comment_id, event.reaction)
    if event.body:
        view = await ports.store.view(f"answer:{event.delivery}")
        await _comment_once(ports, view, event.repository, event.issue, event.body)


async def _comment_once(ports: Ports, view: View, repository: Repository, issue: int, body: str) -> None:
    """One comment, found again by the marker that it begins with."""
    if view.sticky_comment_id is not None:
        return
    marker = body.split("\n", 1)[0]

    async def find() -> int | None:
        return await ports.github.find_comment(repository, issue, marker)

    async def create() -> int:
        return await ports.github.create_comment(repository, issue, body)

    made, view, _ = await _once(ports, view, "answer", find, create)
    await ports.store.put_view(view.model_copy(update={"sticky_comment_id": made}))


async def _once(
    ports: Ports,
    view: View,
    name: str,
    find: Callable[[], Awaitable[int | None]],
    create: Callable[[], Awaitable[int]],
) -> tuple[int, View, bool]:
    """The id of what `create` makes, made once: the intent is stored first, and an intent without an id is looked
    for. The last value says whether it was found, and so may show something older."""
    if name in view.begun:
        found = await find()
        if found is not None:
            return found, view, True
    else:
        view = view.model_copy(update={"begun": view.begun | {name}})
        await ports.store.put_view(view)
    return await create(), view, False


async def _remember(ports: Ports, view: View, name: str, written: str) -> View:
    view = view.model_copy(update={"hashes": view.hashes | {name: written}})
    await ports.store.put_view(view)
    return view
