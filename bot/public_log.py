"""A deployment's log as it may leave the engine."""

from __future__ import annotations

from anyio.to_thread import run_sync

from bot.diagnosis import redact
from bot.model import Deployment, LogKind
from bot.ports import Ports


async def public_log(ports: Ports, deployment: Deployment, kind: LogKind) -> str:
    """Redacted; "" where there is none. One of megabytes takes a second: webhooks don't wait for it."""
    text = await ports.engine.log(deployment.id, kind)
    known = tuple((await ports.secrets.get(deployment.service_id)).values()) if text else ()
    return await run_sync(redact, text, known)
