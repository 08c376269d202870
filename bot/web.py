"""HTTP: webhooks in, health and metrics out. Raw JSON ends here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot import env_page, metrics, payloads
from bot.diagnosis import redact
from bot.errors import WhaleRayError
from bot.events import Event, group_of
from bot.links import Links
from bot.model import LogKind, Stage
from bot.pages import page
from bot.ports import Ports

log = structlog.get_logger(__name__)

MAX_BODY = 25 * 1024 * 1024
"""GitHub's own cap on a payload."""
_MAX_NAME = 100


@dataclass(frozen=True)
class WebSettings:
    secrets: Sequence[str]
    """Webhook secrets, several while rotating."""
    links: Links
    install_url: str = ""


def create_app(ports: Ports, settings: WebSettings, ready: Callable[[], Sequence[str]] = tuple) -> FastAPI:
    """`ready`: what keeps this process from doing its work now, a line each."""
    app = FastAPI(title="WhaleRay", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/webhook")
    async def webhook(request: Request) -> Response:
        status, words = await _webhook(ports, settings, request)
        event = request.headers.get("x-github-event", "")
        metrics.DELIVERIES.labels(event if event in payloads.HANDLED else "other", str(status)).inc()
        return PlainTextResponse(words + "\n", status)

    @app.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> Response:
        problems = list(ready())
        try:
            await ports.inbox.depth()
        except WhaleRayError as error:
            problems.append(str(error))
        return PlainTextResponse("\n".join(problems or ["ok"]) + "\n", 503 if problems else 200)

    @app.get("/metrics")
    async def prometheus() -> Response:
        await _gauge(ports)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/")
    async def home() -> Response:
        return HTMLResponse(page("home.html.j2", install_url=settings.install_url))

    app.include_router(env_page.routes(ports, settings.links))

    @app.get("/deployments/{deployment_id}/log")
    async def build_log(deployment_id: str, expires: int = 0, signature: str = "") -> Response:
        if not settings.links.valid(f"/deployments/{deployment_id}/log", expires, signature):
            return PlainTextResponse("This link is not valid, or has expired. Open it from the check anew.\n", 403)
        text = await ports.engine.log(deployment_id, LogKind.BUILD)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        return PlainTextResponse(redact(text) or "No log is kept of this deployment.\n", headers=headers)

    return app


async def _webhook(ports: Ports, settings: WebSettings, request: Request) -> tuple[int, str]:
    body = await _body(request)
    if body is None:
        return 413, f"The body is larger than {MAX_BODY} bytes."
    if not _authentic(settings.secrets, body, request.headers.get("x-hub-signature-256", "")):
        return 401, "The signature in X-Hub-Signature-256 is missing or does not match the webhook secret."
    name = request.headers.get("x-github-event", "")
    delivery = request.headers.get("x-github-delivery", "")
    if not name or not delivery or len(name) > _MAX_NAME or len(delivery) > _MAX_NAME:
        return 400, "X-GitHub-Event and X-GitHub-Delivery are needed."
    if name == "ping":
        return 200, "pong"
    try:
        event = payloads.parse(name, delivery, body, ports.clock())
    except payloads.Malformed as malformed:
        return 400, f"The body can't be read: {malformed}."
    if event is None:
        return 202, "accepted; nothing to do"
    return await _accept(ports, event, delivery)


async def _accept(ports: Ports, event: Event, delivery: str) -> tuple[int, str]:
    try:
        await ports.inbox.send(event, group=group_of(event), key=f"delivery:{delivery}")
    except WhaleRayError as error:
        log.error("the queue can't be written", error=str(error), delivery=delivery)
        return 503, "The delivery could not be stored; redeliver it later."
    return 202, "accepted"


async def _body(request: Request) -> bytes | None:
    """The raw body, or None as soon as it is known to be too large."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _authentic(secrets: Sequence[str], body: bytes, signature: str) -> bool:
    given = signature.encode("utf-8", "replace")
    return any(
        hmac.compare_digest(b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode(), given)
        for secret in secrets
    )


async def _gauge(ports: Ports) -> None:
    for name, queue in (("inbox", ports.inbox), ("view", ports.view)):
        for state, count in (await queue.depth()).items():
            metrics.QUEUE.labels(name, state).set(count)
    in_flight = [d.stage for d in await ports.store.in_flight()]
    for stage in (Stage.INSPECTING, Stage.BUILDING, Stage.DEPLOYING):
        metrics.DEPLOYMENTS.labels(stage.value).set(in_flight.count(stage))
