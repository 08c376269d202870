"""What a person asks for with a command or a button, done; each says what came of it. The same rules hold for both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot import deployments, locks, opening, render, services
from bot.model import Cause, Deployment, Desired, Repository, Stage, Trigger
from bot.naming import deployment_id
from bot.opening import Request
from bot.ports import Ports, PullRequest

_PULL = re.compile(r"(?:refs/)?pull/\d+/.*")
"""GitHub takes it for a commit's name: a fork's head, and whichever it is when GitHub is asked."""


@dataclass(frozen=True)
class Said:
    """What one request led to: a part of the answer ("" when check and sticky comment say it), and whether it was
    done."""

    text: str = ""
    done: bool = True


@dataclass(frozen=True)
class Asked:
    """Who asks, where and when."""

    repository: Repository
    actor: str
    delivery: str
    at: float
    """GitHub's time of the comment; of a button, when its delivery was received."""
    trigger: Trigger
    pr: int | None = None
    comment_id: int | None = None
    ordinal: int = 0

    @property
    def cause(self) -> Cause:
        return Cause(
            delivery=self.delivery,
            ordinal=self.ordinal,
            trigger=self.trigger,
            comment_id=self.comment_id,
            at=self.at,
        )


async def kept_out(ports: Ports, asked: Asked) -> Said | None:
    """The refusal where somebody else has locked the service."""
    held = locks.keeps_out(await ports.store.service(asked.repository.id), asked.actor)
    return Said(render.locked(held, ports.clock()), done=False) if held else None


async def known(ports: Ports, asked: Asked) -> Deployment | None:
    """What an earlier try of the same request opened: it was resolved then, and goes on as it was."""
    service = await ports.store.service(asked.repository.id)
    return await ports.store.deployment(deployment_id(asked.cause, service.service_id)) if service else None


async def deploy(ports: Ports, asked: Asked, target: str | None) -> Said:
    """The pull request's head, or the commit or branch that was named."""
    if earlier := await known(ports, asked):
        await deployments.converge(ports, earlier)
        return Said()
    if refused := await kept_out(ports, asked):
        return refused
    if target is not None:
        commit = None if _PULL.fullmatch(target) else await ports.github.commit(asked.repository, target)
        if commit is None:
            return Said(render.no_such_ref(target), done=False)
        if not ports.fork_code and await _is_fork_s(ports, asked, commit.sha):
            return Said(render.fork_not_sandboxed(), done=False)
        return await _open(
            ports, asked, commit.sha, target, commit.message, production=target == asked.repository.default_branch
        )
    pull = await ports.github.pull_request(asked.repository, asked.pr) if asked.pr else None
    if pull is None:
        return Said(render.no_such_ref(f"pull request {asked.pr}"), done=False)
    if refused := await _foreign(ports, asked, pull):
        return refused
    commit = await ports.github.commit(asked.repository, pull.head_sha)
    return await _open(ports, asked, pull.head_sha, pull.head_ref, commit.message if commit else "")


async def _foreign(ports: Ports, asked: Asked, pull: PullRequest) -> Said | None:
    """Why a fork's head is not deployed: it is pinned to what the asker saw. Commit dates can be forged, so what
    counts is when the head was received here."""
    if pull.head_repository_id == asked.repository.id:
        return None
    if not ports.fork_code:
        return Said(render.fork_not_sandboxed(), done=False)
    seen = await ports.store.branch(asked.repository.id, f"refs/pull/{pull.number}/head")
    if seen is None or seen.sha != pull.head_sha or seen.received_at > asked.at:
        return Said(render.moved_head(pull.head_ref, seen.sha if seen else "", pull.head_sha), done=False)
    return None


async def _is_fork_s(ports: Ports, asked: Asked, sha: str) -> bool:
    """Whether the commit that was named is the head of the pull request, and that head a fork's."""
    pull = await ports.github.pull_request(asked.repository, asked.pr) if asked.pr else None
    return pull is not None and pull.head_sha == sha and pull.head_repository_id != asked.repository.id


async def deploy_commit(ports: Ports, asked: Asked, sha: str) -> Said:
    """The commit whose check bears the Deploy button."""
    if refused := await kept_out(ports, asked):
        return refused
    commit = await ports.github.commit(asked.repository, sha)
    ref = asked.repository.default_branch if asked.pr is None else sha[:7]
    return await _open(ports, asked, sha, ref, commit.message if commit else "", production=asked.pr is None)


async def _open(ports: Ports, asked: Asked, sha: str, ref: str, message: str, *, production: bool = False) -> Said:
    request = Request(
        repository=asked.repository,
        sha=sha,
        ref=ref,
        cause=asked.cause,
        actor=asked.actor,
        pr=asked.pr,
        message=message.split("\n", 1)[0],
        environment="production" if production or asked.pr is None else f"pull/{asked.pr}",
    )
    await opening.open_deployment(ports, request)
    return Said()


async def redeploy(ports: Ports, asked: Asked, shown: Deployment) -> Said:
    """The same commit once more, from its source."""
    if refused := await kept_out(ports, asked):
        return refused
    await _open_again(ports, asked, shown, built=False)
    return Said()


async def _open_again(ports: Ports, asked: Asked, earlier: Deployment, *, built: bool) -> None:
    """The same commit; with the release that was `built`, or from its source."""
    request = Request(
        repository=asked.repository,
        sha=earlier.sha,
        ref=earlier.ref,
        cause=asked.cause,
        actor=asked.actor,
        pr=asked.pr,
        message=earlier.message,
        environment=earlier.environment,
        rollback_to=earlier if built else None,
    )
    await opening.open_deployment(ports, request)


async def rollback(ports: Ports, asked: Asked, named: str | None) -> Said:
    if earlier := await known(ports, asked):
        await deployments.converge(ports, earlier)
        return Said()
    if refused := await kept_out(ports, asked):
        return refused
    target = await opening.rollback_target(ports, asked.repository.id, named)
    if target is None:
        return Said(render.nothing_to_rollback(named), done=False)
    await _open_again(ports, asked, target, built=True)
    return Said()


async def cancel(ports: Ports, asked: Asked) -> Said:
    if refused := await kept_out(ports, asked):
        return refused
    ended = [
        deployment
        for deployment in await ports.store.deployments_of(asked.repository.id)
        if not deployment.stage.ended and await deployments.cancel(ports, deployment, by=asked.actor)
    ]
    if not ended:
        return Said(render.nothing_to_cancel(), done=False)
    return Said("\n".join(render.cancelled(deployment) for deployment in ended))


async def restart(ports: Ports, asked: Asked) -> Said:
    """The live version, or the one whose rollout is about to make it live, beside itself, then instead of itself: no
    request fails."""
    if earlier := await known(ports, asked):
        await deployments.converge(ports, earlier)
        return Said(render.restarted(earlier))
    if refused := await kept_out(ports, asked):
        return refused
    rolling = (d for d in await ports.store.deployments_of(asked.repository.id) if d.stage is Stage.DEPLOYING)
    live = next(rolling, None) or await live_of(ports, asked.repository)
    if live is None or live.release is None:
        return Said(render.nothing_live(), done=False)
    await _open_again(ports, asked, live, built=True)
    return Said(render.restarted(live))


async def stop(ports: Ports, asked: Asked) -> Said:
    if refused := await kept_out(ports, asked):
        return refused
    live = await live_of(ports, asked.repository)
    if live is None:
        return Said(render.nothing_live(), done=False)
    for deployment in await ports.store.deployments_of(asked.repository.id):
        if not deployment.stage.ended:
            await deployments.cancel(ports, deployment, by=asked.actor)
    await services.update(ports, asked.repository.id, desired=Desired.STOPPED, stopped_at=ports.clock())
    await services.restore(ports, asked.repository.id)
    return Said(render.stopped())


async def start(ports: Ports, asked: Asked) -> Said:
    service = await ports.store.service(asked.repository.id)
    if service is not None and service.desired is Desired.RUNNING and service.live_deployment is not None:
        return Said(render.already_running())
    said = await restart(ports, asked)
    return Said(render.started()) if said.done else said


async def lock(ports: Ports, asked: Asked, reason: str) -> Said:
    held = await locks.lock(ports, asked.repository, asked.actor, reason)
    return Said(render.locked(held, ports.clock()), done=held.owner == asked.actor)


async def unlock(ports: Ports, asked: Asked) -> Said:
    held = await locks.unlock(ports, asked.repository, asked.actor)
    return Said(render.lock_refused(held, ports.clock()), done=False) if held else Said(render.unlocked())


async def live_of(ports: Ports, repository: Repository) -> Deployment | None:
    service = await ports.store.service(repository.id)
    if service is None or service.live_deployment is None:
        return None
    return await ports.store.deployment(service.live_deployment)
