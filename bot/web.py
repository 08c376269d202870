"""HTTP: webhooks in, health and metrics out, a few pages. Raw JSON ends here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bot import metrics, payloads
from bot.door import Door
from bot.env_page import EnvPage
from bot.errors import WhaleRayError
from bot.events import Event, group_of
from bot.links import Links
from bot.log_pages import LogPages
from bot.model import Stage
from bot.pages import PLAIN, page
from bot.ports import Ports

log = structlog.get_logger(__name__)

MAX_BODY = 25 * 1024 * 1024
"""GitHub's own cap on a payload."""
_MAX_NAME = 100
_READ = ["GET", "HEAD"]


async def _nothing() -> str:
    return ""


async def _ready() -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class WebSettings:
    secrets: Sequence[str]
    """Webhook secrets, several while rotating."""
    links: Links
    install_url: Callable[[], Awaitable[str]] = _nothing
    """Where people install the App; "" while GitHub can't be asked."""


def create_app(ports: Ports, settings: WebSettings, ready: Callable[[], Awaitable[Sequence[str]]] = _ready) -> FastAPI:
    """`ready`: what keeps this process from doing its work now, a line each."""
    app = FastAPI(title="WhaleRay", docs_url=None, redoc_url=None, openapi_url=None)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_unreadable)

    @app.post("/webhook")
    async def webhook(request: Request) -> Response:
        status, words = await _webhook(ports, settings, request)
        event = request.headers.get("x-github-event", "")
        metrics.DELIVERIES.labels(event if event in payloads.HANDLED else "other", str(status)).inc()
        return PlainTextResponse(words + "\n", status)

    @app.api_route("/healthz", methods=_READ)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.api_route("/readyz", methods=_READ)
    async def readyz() -> Response:
        problems = await ready()
        return PlainTextResponse("\n".join(problems or ["ok"]) + "\n", 503 if problems else 200)

    @app.api_route("/metrics", methods=_READ)
    async def prometheus() -> Response:
        await _gauge(ports)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.api_route("/", methods=_READ)
    async def home() -> Response:
        return page("home.html.j2", install_url=await settings.install_url())

    @app.api_route("/setup", methods=_READ)
    async def setup() -> Response:
        return page("set_up.html.j2", install_url=await settings.install_url())

    door = Door(ports, settings.links)
    for pages in (door, EnvPage(ports, settings.links, door), LogPages(ports, settings.links, door)):
        app.include_router(pages.routes())
    return app


async def _refused(_: Request, error: Exception) -> Response:
    """A path or a method that isn't there, in words."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    words = {404: "There is no such page.", 405: "This page takes no such request."}.get(status, "This can't be done.")
    return PlainTextResponse(f"{words}\n", status, headers={**PLAIN, **(headers or {})})


async def _unreadable(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("This address is incomplete or wrong.\n", 400, headers=PLAIN)


async def _webhook(ports: Ports, settings: WebSettings, request: Request) -> tuple[int, str]:
    try:
        body = await _body(request)
    except ClientDisconnect:
        return 400, "The body ended early."
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
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return 400, "The body is a form. Set the content type of the App's webhook to application/json."
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
    if declared.isdecimal() and (len(declared) > 9 or int(declared) > MAX_BODY):
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
    """What can't be counted now keeps its last value: the other figures are needed most just then."""
    try:
        for name, queue in (("inbox", ports.inbox), ("view", ports.view)):
            for state, count in (await queue.depth()).items():
                metrics.QUEUE.labels(name, state).set(count)
        in_flight = [d.stage for d in await ports.store.in_flight()]
    except WhaleRayError as error:
        log.warning("the queues can't be counted", error=str(error))
        return
    for stage in (Stage.INSPECTING, Stage.BUILDING, Stage.DEPLOYING):
        metrics.DEPLOYMENTS.labels(stage.value).set(in_flight.count(stage))
