"""Logs as plain text, redacted: a build's behind a signed link, an application's behind a sign-in with GitHub."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from bot.door import Door
from bot.errors import WhaleRayError
from bot.links import Links
from bot.model import LogKind
from bot.pages import PLAIN, message, problem
from bot.ports import Ports
from bot.public_log import public_log
from bot.signin import Goal


class LogPages:
    def __init__(self, ports: Ports, links: Links, door: Door) -> None:
        self._ports = ports
        self._links = links
        self._door = door

    def routes(self) -> APIRouter:
        router = APIRouter()
        router.api_route("/deployments/{deployment_id}/log", methods=["GET", "HEAD"])(self._build)
        router.get("/deployments/{deployment_id}/app-log")(self._app)
        return router

    async def _build(self, deployment_id: str, expires: int = 0, signature: str = "") -> Response:
        if not self._links.valid(f"/deployments/{deployment_id}/log", expires, signature):
            return message(403, "This link is not valid, or has ended.", "Open it from the check on GitHub anew.")
        try:
            return await self._text(deployment_id, LogKind.BUILD)
        except WhaleRayError as error:
            return problem(error)

    async def _app(self, request: Request, deployment_id: str) -> Response:
        """It may hold what only the repository's people should see, wherever the link to it was posted."""
        goal = Goal.named("app-log", deployment_id)
        if goal is None:
            return message(404, "There is no such deployment.")
        session = self._door.session(request, goal)
        if session is None:
            return self._door.begin(goal)
        try:
            refused = await self._door.refused(goal, session.login)
            return refused if refused is not None else await self._text(deployment_id, LogKind.APP)
        except WhaleRayError as error:
            return problem(error)

    async def _text(self, deployment_id: str, kind: LogKind) -> Response:
        deployment = await self._ports.store.deployment(deployment_id)
        shown = await public_log(self._ports, deployment, kind) if deployment else ""
        return PlainTextResponse(shown or "No log is kept of this deployment.\n", headers=PLAIN)
