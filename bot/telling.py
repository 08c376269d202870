"""What a person asks to know: status, logs, the cause of a failure, the link to the secrets."""

from __future__ import annotations

from bot import deployments, render
from bot.actions import Asked, Said, live_of
from bot.links import ENV_S
from bot.model import Deployment, Desired, LogKind, Stage
from bot.naming import service_url
from bot.ports import Ports
from bot.public_log import public_log


async def status(ports: Ports, asked: Asked) -> Said:
    service = await ports.store.service(asked.repository.id)
    known = await ports.store.deployments_of(asked.repository.id) if service else []
    in_flight = next((d for d in known if not d.stage.ended), None)
    newest_failed = known[0] if known and known[0].stage is Stage.FAILED else None
    url = service_url(ports.services_url, service.service_id) if service else ""
    stopped = service is not None and service.desired is Desired.STOPPED
    live = await live_of(ports, asked.repository)
    return Said(render.status(url, live, in_flight, newest_failed, stopped=stopped, now=ports.clock()))


async def logs(ports: Ports, asked: Asked, lines: int) -> Said:
    """The build's log while the newest deployment builds or has failed there, else the application's, which is never
    posted where everyone reads along."""
    known = await ports.store.deployments_of(asked.repository.id)
    if not known:
        return Said(render.no_logs(), done=False)
    newest = known[0]
    building = newest.stage in (Stage.INSPECTING, Stage.BUILDING)
    if building or (newest.failure is not None and newest.failure.log != "app"):
        return await _tail(ports, newest, LogKind.BUILD, lines)
    shown = newest if newest.failure is not None else await live_of(ports, asked.repository)
    shown = shown or newest
    if not asked.repository.private:
        return Said(render.logs_private(ports.app_log_url(shown.id)))
    return await _tail(ports, shown, LogKind.APP, lines)


async def _tail(ports: Ports, deployment: Deployment, kind: LogKind, lines: int) -> Said:
    text = await public_log(ports, deployment, kind)
    if not text.strip():
        return Said(render.no_logs(), done=False)
    url = ports.log_url(deployment.id) if kind is LogKind.BUILD else ""
    return Said(render.logs_reply(kind, text, lines, url))


async def diagnose(ports: Ports, asked: Asked, failed: Deployment | None = None) -> Said:
    """Look for the cause once more; the check and the sticky comment show it, too."""
    if failed is None:
        known = await ports.store.deployments_of(asked.repository.id)
        failed = next((d for d in known if d.stage is Stage.FAILED), None)
    if failed is None or failed.failure is None:
        return Said(render.nothing_failed(), done=False)
    shown = await deployments.diagnose_again(ports, failed)
    return Said(render.diagnosis_reply(shown, asked.repository, ports.app_log_url(failed.id)))


async def env(ports: Ports, asked: Asked) -> Said:
    service = await ports.store.service(asked.repository.id)
    if service is None:
        return Said(render.nothing_live(), done=False)
    names = sorted(await ports.secrets.get(service.service_id))
    return Said(render.env_reply(ports.env_url(service.service_id), names, ENV_S))
