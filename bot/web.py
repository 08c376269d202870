"""HTTP: webhooks in, health and metrics out, a few pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot import metrics
from bot.door import Door
from bot.env_page import EnvPage
from bot.errors import WhaleRayError
from bot.links import Links
from bot.log_pages import LogPages
from bot.model import Stage
from bot.pages import PLAIN, page
from bot.ports import Ports
from bot.webhook import PATH, Webhook

log = structlog.get_logger(__name__)

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
    app = _App(Webhook(ports, settings.secrets))
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_unreadable)

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


class _App(FastAPI):
    """FastAPI, save for webhooks: those go straight to what takes them."""

    def __init__(self, webhook: Webhook) -> None:
        super().__init__(title="WhaleRay", docs_url=None, redoc_url=None, openapi_url=None)
        self._webhook = webhook
        self.router.routes.append(Route(PATH, webhook, methods=["POST"]))  # so that other methods are told of this one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self._webhook(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _refused(_: Request, error: Exception) -> Response:
    """A path or a method that isn't there, in words."""
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    words = {404: "There is no such page.", 405: "This page takes no such request."}.get(status, "This can't be done.")
    return PlainTextResponse(f"{words}\n", status, headers={**PLAIN, **(headers or {})})


async def _unreadable(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("This address is incomplete or wrong.\n", 400, headers=PLAIN)


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
