"""The sandbox's web pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from infra.sandbox.shapes import Shapes

if TYPE_CHECKING:
    from infra.sandbox.sandbox import Sandbox


class Pages:
    def __init__(self, sandbox: Sandbox, shapes: Shapes) -> None:
        self._sandbox = sandbox
        self._shapes = shapes

    def application(self) -> Starlette:
        return Starlette(routes=[Route("/", self._home)])

    async def _home(self, request: Request) -> Response:
        return HTMLResponse("sandbox, not GitHub")
