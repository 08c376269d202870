"""The pages of `whaleray setup`: a button that sends the manifest to GitHub, and where GitHub sends people back to."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from bot import setup
from bot.env_page import HEADERS
from bot.errors import UserError, WhaleRayError
from bot.pages import page
from bot.setup import Credentials


@dataclass(frozen=True)
class Flow:
    """`token` is in the address that the terminal prints: without it nobody on the network can begin."""

    public_url: str
    web_url: str
    convert: Callable[[str], Awaitable[Credentials]]
    keep: Callable[[Credentials], None]
    """Writes them to `.env`; raises UserError."""
    done: Callable[[Credentials], None]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def state(self) -> str:
        """GitHub hands it back: a code that comes without it was not asked for here."""
        return hmac.new(self.token.encode(), b"state", "sha256").hexdigest()


def create_setup(flow: Flow) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/setup")
    async def begin(request: Request, token: str = "", organisation: str = "", webhook_url: str = "") -> Response:
        if not _same(token, flow.token):
            return _words(403, "This page opens with the address that whaleray setup printed.", "")
        try:
            action = setup.new_app_url(flow.web_url, organisation.strip(), flow.state)
        except UserError as error:
            return _words(400, error.what, error.mend)
        chosen = webhook_url.strip()
        if chosen and not chosen.startswith("https://"):
            return _words(
                400, "The tunnel's address has to begin with https://.", "Take a new one at https://smee.io/new."
            )
        body = page(
            "setup.html.j2",
            action=action,
            manifest=json.dumps(setup.manifest(flow.public_url, chosen)),
            token=flow.token,
            organisation=organisation,
            webhook_url=chosen,
            local=setup.local(flow.public_url),
            public_url=flow.public_url,
        )
        policy = HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action 'self' {flow.web_url}")
        return HTMLResponse(body, headers={**HEADERS, "Content-Security-Policy": policy})

    @app.get("/setup/callback")
    async def callback(code: str = "", state: str = "") -> Response:
        if not _same(state, flow.state):
            return _words(403, "GitHub's answer was not asked for here.", "Begin at the address that was printed.")
        try:
            credentials = await flow.convert(code)
            flow.keep(credentials)
        except WhaleRayError as error:
            return _words(502, error.what, f"{error.why} {error.mend}".strip())
        flow.done(credentials)
        body = page("setup_done.html.j2", slug=credentials.slug, install_url=credentials.install_url)
        return HTMLResponse(body, headers=HEADERS)

    @app.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("setup\n")

    return app


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _words(status: int, what: str, mend: str) -> Response:
    return HTMLResponse(page("message.html.j2", what=what, mend=mend), status, headers=HEADERS)
