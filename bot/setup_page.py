"""The pages of `whaleray setup`: a button that sends the manifest to GitHub, and where GitHub sends people back to."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse

from bot import setup
from bot.errors import UserError, WhaleRayError
from bot.pages import HEADERS, message, page, problem
from bot.setup import Credentials

_TUNNEL = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[A-Za-z0-9._~%/-]*)?")
"""It is shown in a command that people copy into their shell."""


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
    async def begin(token: str = "", organisation: str = "", webhook_url: str = "") -> Response:
        if not _same(token, flow.token):
            return message(403, "This page opens with the address that whaleray setup printed.")
        organisation, tunnel = organisation.strip(), webhook_url.strip()
        try:
            action = setup.new_app_url(flow.web_url, organisation, flow.state)
        except UserError as error:
            return message(400, error.what, error.mend)
        if tunnel and not _TUNNEL.fullmatch(tunnel):
            return message(
                400, "The tunnel's address has to be an https:// one.", "Take a new one at https://smee.io/new."
            )
        return page(
            "setup.html.j2",
            headers=_headers(flow),
            action=action,
            manifest=json.dumps(setup.manifest(flow.public_url, tunnel)),
            token=flow.token,
            organisation=organisation,
            webhook_url=tunnel,
            local=setup.local(flow.public_url),
            public_url=flow.public_url,
        )

    @app.get("/setup/callback")
    async def callback(code: str = "", state: str = "") -> Response:
        if not _same(state, flow.state):
            return message(403, "GitHub's answer was not asked for here.", "Begin at the address that was printed.")
        try:
            credentials = await flow.convert(code)
            flow.keep(credentials)
        except WhaleRayError as error:
            return problem(error)
        flow.done(credentials)
        return page("setup_done.html.j2", slug=credentials.slug, install_url=credentials.install_url)

    @app.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("setup\n")

    return app


def _headers(flow: Flow) -> dict[str, str]:
    """The page posts the manifest to GitHub, which is told the bot's origin and not the token in its address."""
    policy = HEADERS["Content-Security-Policy"].replace("form-action 'self'", f"form-action 'self' {flow.web_url}")
    return {**HEADERS, "Content-Security-Policy": policy, "Referrer-Policy": "strict-origin"}


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
