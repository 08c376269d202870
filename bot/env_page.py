"""The page of a service's secrets: GitHub says who signs in and who may; names are shown, values never."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot.errors import UserError, WhaleRayError
from bot.links import Links
from bot.model import Audit, Service
from bot.pages import page
from bot.ports import Ports
from bot.signin import SESSION_COOKIE, SESSION_S, STATE_COOKIE, Attempt, Cookies, Session

log = structlog.get_logger(__name__)

MAX_FORM = 128 * 1024
CALLBACK = "/signin/callback"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def routes(ports: Ports, links: Links) -> APIRouter:
    """The page, its form, and where GitHub sends people back to."""
    router = APIRouter()
    pages = _Pages(ports, links)
    router.get("/services/{service_id}/env")(pages.show)
    router.post("/services/{service_id}/env")(pages.change)
    router.get(CALLBACK)(pages.signed_in)
    return router


class _Pages:
    def __init__(self, ports: Ports, links: Links) -> None:
        self._ports = ports
        self._links = links
        self._cookies = Cookies(links.key, links.clock)

    async def show(self, request: Request, service_id: str, expires: int = 0, signature: str = "") -> Response:
        """The form for who has signed in; a valid link sends everybody else to sign in first."""
        session = self._session(request, service_id)
        if session is not None and not signature:
            return await self._form(session, "")
        if not self._links.valid(f"/services/{service_id}/env", expires, signature):
            return self._words(403, "This link is not valid, or has ended.", "Comment /whaleray env for a new one.")
        attempt = self._cookies.begin(service_id)
        try:
            url = self._ports.sign_in.authorize_url(attempt.state, attempt.challenge, self._links.own_url + CALLBACK)
        except WhaleRayError as error:
            return self._words(503, error.what, error.mend)
        response = RedirectResponse(url, 303, headers=HEADERS)
        self._set(response, STATE_COOKIE, self._cookies.seal(attempt))
        return response

    async def signed_in(self, request: Request, code: str = "", state: str = "") -> Response:
        attempt = self._cookies.open(Attempt, request.cookies.get(STATE_COOKIE, ""))
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
            return self._words(
                403, "This sign-in was not begun here, or took too long.", "Open the link from the comment again."
            )
        try:
            login = await self._ports.sign_in.who(code, attempt.verifier, self._links.own_url + CALLBACK)
            refused = await self._refused(attempt.service_id, login)
        except WhaleRayError as error:
            return self._words(403 if isinstance(error, UserError) else 502, error.what, error.mend)
        if refused is not None:
            return refused
        response = RedirectResponse(f"/services/{attempt.service_id}/env", 303, headers=HEADERS)
        self._set(response, SESSION_COOKIE, self._cookies.seal(self._cookies.session(login, attempt.service_id)))
        response.delete_cookie(STATE_COOKIE, path="/")
        return response

    async def change(self, request: Request, service_id: str) -> Response:
        session = self._session(request, service_id)
        if session is None:
            return self._words(403, "You are not signed in any more.", "Comment /whaleray env for a new link.")
        form = await _form(request)
        if not self._same_origin(request) or not hmac.compare_digest(
            form.get("form", "").encode("utf-8", "replace"), session.form.encode()
        ):
            return self._words(403, "This form was not sent from its own page.", "Open the page again.")
        try:
            refused = await self._refused(service_id, session.login)
            if refused is not None:
                return refused
            said = await self._apply(session, form)
        except UserError as error:
            return await self._form(session, str(error), 400)
        except WhaleRayError as error:
            return self._words(502, error.what, "Nothing was changed. Try again in a while.")
        return await self._form(session, said)

    async def _apply(self, session: Session, form: Mapping[str, str]) -> str:
        key = form.get("key", "").strip()
        unset = form.get("action") == "unset"
        if unset:
            await self._ports.secrets.unset(session.service_id, key)
        else:
            value = form.get("value", "").replace("\r\n", "\n")
            if not value:
                raise UserError(f"{key or 'The variable'} needs a value.", "", "To remove one, use its Delete button.")
            await self._ports.secrets.set(session.service_id, key, value)
        audit = Audit(
            service_id=session.service_id,
            key=key,
            action="unset" if unset else "set",
            actor=session.login,
            at=self._ports.clock(),
        )
        await self._ports.store.put_audit(audit)
        log.info("secret", service=audit.service_id, key=key, action=audit.action, by=audit.actor)
        return f"{key} is {'deleted' if unset else 'set'}."

    async def _refused(self, service_id: str, login: str) -> Response | None:
        """Write permission is asked of GitHub each time."""
        service = await self._ports.store.service_named(service_id)
        if service is None:
            return self._words(404, "There is no such service.", "")
        if await self._ports.github.can_write(service.repository, login):
            return None
        return self._words(
            403, f"{login} has no write permission on {service.repository.full_name}.", "A maintainer can do this."
        )

    async def _form(self, session: Session, said: str, status: int = 200) -> Response:
        service: Service | None = await self._ports.store.service_named(session.service_id)
        body = page(
            "env.html.j2",
            service_id=session.service_id,
            repository=service.repository.full_name if service else "",
            names=sorted(await self._ports.secrets.get(session.service_id)),
            audits=await self._ports.store.audits(session.service_id),
            login=session.login,
            form=session.form,
            said=said,
            wrong=status != 200,
        )
        return HTMLResponse(body, status, headers=HEADERS)

    def _words(self, status: int, what: str, mend: str) -> Response:
        return HTMLResponse(page("message.html.j2", what=what, mend=mend), status, headers=HEADERS)

    def _session(self, request: Request, service_id: str) -> Session | None:
        session = self._cookies.open(Session, request.cookies.get(SESSION_COOKIE, ""))
        return session if session is not None and session.service_id == service_id else None

    def _same_origin(self, request: Request) -> bool:
        """Browsers send `Origin` with every form; "null" is one that hides where it comes from."""
        ours, theirs = urlsplit(self._links.own_url), urlsplit(request.headers.get("origin", ""))
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(SESSION_S),
            path="/",
            httponly=True,
            samesite="lax",
            secure=self._links.own_url.startswith("https://"),
        )


async def _form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}
