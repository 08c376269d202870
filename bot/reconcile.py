"""Make GitHub show what is stored. Every call may be repeated: what is shown already is not written again, and what
an earlier attempt may have created is looked for before it is created."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot import deployments, render
from bot.diagnosis import redact
from bot.events import Answer
from bot.model import Deployment, Desired, LogKind, Service, Stage, View
from bot.naming import service_url
from bot.ports import Ports

LOG_EVERY_S = 15.0
"""docs/design.md: the log's tail in a check is written at most this often."""


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
    if deployment.stage is Stage.BUILDING:
        await deployments.show(ports, deployment, delay=LOG_EVERY_S)


async def _scene(ports: Ports, deployment: Deployment, service: Service) -> render.Scene:
    async def load(name: str | None) -> Deployment | None:
        return await ports.store.deployment(name) if name else None

    text = ""
    if deployment.stage is Stage.BUILDING or (deployment.failure and deployment.failure.log == "build"):
        text = redact(await ports.engine.log(deployment.id, LogKind.BUILD))
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
    )


async def _show_check(ports: Ports, scene: render.Scene, view: View) -> View:
    deployment = scene.deployment
    check = render.check_run(scene, actions=_actions(deployment, scene.live))
    written = render.fingerprint(check)
    if view.check_run_id is not None and view.hashes.get("check") == written:
        return view
    if view.check_run_id is not None:
        await ports.github.update_check_run(scene.repository, view.check_run_id, check)
        return await _remember(ports, view, "check", written)

    async def find() -> int | None:
        return await ports.github.find_check_run(scene.repository, deployment.sha, deployment.id)

    async def create() -> int:
        return await ports.github.create_check_run(scene.repository, check)

    made, view, found = await _once(ports, view, "check", find, create)
    view = view.model_copy(update={"check_run_id": made})
    if found:
        await ports.github.update_check_run(scene.repository, made, check)
    return await _remember(ports, view, "check", written)


def _actions(deployment: Deployment, live: Deployment | None) -> tuple[str, ...]:
    if not deployment.stage.ended:
        return ()
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
    body = render.sticky(scene)
    written = render.fingerprint_text(body)
    if view.hashes.get("sticky") == written:
        return
    if view.sticky_comment_id is not None:
        await ports.github.update_comment(repository, view.sticky_comment_id, body)
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


async def answer(ports: Ports, event: Answer) -> None:
    """A reaction and, where there is something to say, one comment, found again by its marker."""
    if event.reaction:
        await ports.github.react(event.repository, event.comment_id, event.reaction)
    if not event.body:
        return
    view = await ports.store.view(f"answer:{event.delivery}")
    if view.sticky_comment_id is not None:
        return

    async def find() -> int | None:
        return await ports.github.find_comment(event.repository, event.issue, render.reply_marker(event.delivery))

    async def create() -> int:
        return await ports.github.create_comment(event.repository, event.issue, event.body)

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
