"""The page of a service's secrets: GitHub says who signs in and who may; names are shown, values never."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot import variables
from bot.door import Door
from bot.errors import UserError, WhaleRayError
from bot.links import Links
from bot.model import Audit
from bot.pages import HEADERS, message, page, problem
from bot.ports import Ports
from bot.signin import Goal, Session, Told

log = structlog.get_logger(__name__)

MAX_FORM = 256 * 1024
"""Bytes: the longest value is a third of it when every byte is written as %XX, and its line ends twice as long."""
TOLD_COOKIE = "whaleray_told"
_CHANGED = {"set": "set", "unset": "deleted"}


class TooLarge(Exception):
    """The form has more than `MAX_FORM` bytes."""


class EnvPage:
    def __init__(self, ports: Ports, links: Links, door: Door) -> None:
        self._ports = ports
        self._links = links
        self._door = door

    def routes(self) -> APIRouter:
        router = APIRouter()
        router.get("/services/{service_id}/env")(self._show)
        router.post("/services/{service_id}/env")(self._change)
        return router

    async def _show(self, request: Request, service_id: str, expires: int = 0, signature: str = "") -> Response:
        """The form for who has signed in; a valid link sends everybody else to sign in first."""
        goal = Goal.named("env", service_id)
        if goal is None:
            return message(404, "There is no such service.")
        session = self._door.session(request, goal)
        if session is None or signature:
            if self._links.valid(goal.path, expires, signature):
                return self._door.begin(goal)
            return message(403, "This link is not valid, or has ended.", "Comment /whaleray env for a new one.")
        try:
            refused = await self._door.refused(goal, session.login)
            if refused is not None:
                return refused
            told = self._door.cookies.open(Told, request.cookies.get(TOLD_COOKIE, ""))
            response = await self._form(session, told.text if told is not None and told.goal == goal else "")
        except WhaleRayError as error:
            return problem(error)
        response.delete_cookie(TOLD_COOKIE, path=goal.path)
        return response

    async def _change(self, request: Request, service_id: str) -> Response:
        goal = Goal.named("env", service_id)
        session = self._door.session(request, goal) if goal is not None else None
        if goal is None or session is None:
            return message(403, "You are not signed in any more.", "Comment /whaleray env for a new link.")
        try:
            form = await _fields(request)
        except TooLarge:
            return message(413, "The value is too long.", "", f"A value has at most {variables.MAX_VALUE} bytes.")
        if not self._same_origin(request) or not hmac.compare_digest(
            form.get("form", "").encode("utf-8", "replace"), session.form.encode()
        ):
            return message(403, "This form was not sent from its own page.", "Open the page again.")
        try:
            refused = await self._door.refused(goal, session.login)
            if refused is not None:
                return refused
            try:
                said = await self._apply(session, form)
            except UserError as error:
                return await self._form(session, str(error), 400)
        except WhaleRayError as error:
            return problem(error)
        # The page is asked for anew, so that reloading it sends no secret a second time.
        response = RedirectResponse(goal.path, 303, headers=HEADERS)
        self._door.give(response, TOLD_COOKIE, self._door.cookies.told(goal, said), goal.path)
        return response

    async def _apply(self, session: Session, form: Mapping[str, str]) -> str:
        """No change without its entry: that is written first."""
        service_id, key = session.goal.of, form.get("key", "").strip()
        unset = form.get("action") == "unset"
        value = form.get("value", "").replace("\r\n", "\n")
        if not unset:
            variables.check(key, value)
        elif key not in await self._ports.secrets.get(service_id):
            raise UserError(f"There is no {key[:60]!r} to delete.", "", "Somebody else may have deleted it.")
        audit = Audit(
            service_id=service_id,
            key=key,
            action="unset" if unset else "set",
            actor=session.login,
            at=self._ports.clock(),
        )
        await self._ports.store.put_audit(audit)
        if unset:
            await self._ports.secrets.unset(service_id, key)
        else:
            await self._ports.secrets.set(service_id, key, value)
        log.info("secret", service=service_id, key=key, action=audit.action, by=audit.actor)
        return f"{key} is {_CHANGED[audit.action]}."

    async def _form(self, session: Session, said: str, status: int = 200) -> Response:
        repository = await self._door.repository(session.goal)
        return page(
            "env.html.j2",
            status,
            action=session.goal.path,
            repository=repository.full_name if repository else "",
            names=sorted(await self._ports.secrets.get(session.goal.of)),
            audits=await self._ports.store.audits(session.goal.of),
            login=session.login,
            form=session.form,
            said=said,
            wrong=status != 200,
        )

    def _same_origin(self, request: Request) -> bool:
        """Browsers send `Origin` with every form; "null" is one that hides where it comes from."""
        ours, theirs = urlsplit(self._links.own_url), urlsplit(request.headers.get("origin", ""))
        return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)


async def _fields(request: Request) -> dict[str, str]:
    """The form's fields; none of a body that is no form. Raises TooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise TooLarge
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=10
        )
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}
