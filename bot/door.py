"""The door before pages that only some may see: GitHub says who somebody is and, each time, whether they may write."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from bot.errors import WhaleRayError
from bot.links import Links
from bot.model import Repository
from bot.pages import HEADERS, message, problem
from bot.ports import Ports
from bot.signin import SIGNIN_S, Attempt, Cookies, Goal, Sealed, Session

CALLBACK = "/signin/callback"
STATE_COOKIE = "whaleray_signin"
SESSION_COOKIE = "whaleray_session"


class Door:
    def __init__(self, ports: Ports, links: Links) -> None:
        self._ports = ports
        self._own_url = links.own_url
        self.cookies = Cookies(links.key, links.clock)

    def routes(self) -> APIRouter:
        """Where GitHub sends people back to."""
        router = APIRouter()
        router.get(CALLBACK)(self._back)
        return router

    def begin(self, goal: Goal) -> Response:
        """Send somebody to GitHub, to come back to `goal`."""
        attempt = self.cookies.attempt(goal)
        try:
            url = self._ports.sign_in.authorize_url(attempt.state, attempt.challenge, self._own_url + CALLBACK)
        except WhaleRayError as error:
            return problem(error)
        response = RedirectResponse(url, 303, headers=HEADERS)
        self.give(response, STATE_COOKIE, attempt, CALLBACK)
        return response

    async def _back(self, request: Request, code: str = "", state: str = "", error: str = "") -> Response:
        attempt = self.cookies.open(Attempt, request.cookies.get(STATE_COOKIE, ""))
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
            return message(
                403,
                "This sign-in was not begun in this browser, or took too long.",
                "Open the link on GitHub again.",
            )
        if error or not code:
            return message(403, "You did not sign in.", "Open the link on GitHub again if you want to.")
        try:
            login = await self._ports.sign_in.who(code, attempt.verifier, self._own_url + CALLBACK)
            refused = await self.refused(attempt.goal, login)
        except WhaleRayError as failed:
            return problem(failed)
        response = refused or RedirectResponse(attempt.goal.path, 303, headers=HEADERS)
        if refused is None:
            self.give(response, SESSION_COOKIE, self.cookies.session(attempt.goal, login), attempt.goal.path)
        response.delete_cookie(STATE_COOKIE, path=CALLBACK)
        return response

    def session(self, request: Request, goal: Goal) -> Session | None:
        """Who has signed in for that page, in the last ten minutes."""
        session = self.cookies.open(Session, request.cookies.get(SESSION_COOKIE, ""))
        return session if session is not None and session.goal == goal else None

    async def refused(self, goal: Goal, login: str) -> Response | None:
        """Why that person may not see the page; asked of GitHub each time. Raises Outage."""
        repository = await self.repository(goal)
        if repository is None:
            return message(404, "There is nothing here.", "It was removed, or never was.")
        if await self._ports.github.can_write(repository, login):
            return None
        return message(
            403,
            f"{login} has no write permission on {repository.full_name}.",
            "Sign in to GitHub as somebody who has, or ask a maintainer.",
        )

    async def repository(self, goal: Goal) -> Repository | None:
        """The one whose writers may see the page."""
        if goal.kind == "env":
            service = await self._ports.store.service_named(goal.of)
        else:
            deployment = await self._ports.store.deployment(goal.of)
            service = await self._ports.store.service(deployment.repository_id) if deployment else None
        return service.repository if service else None

    def give(self, response: Response, name: str, value: Sealed, path: str) -> None:
        """A cookie for that path alone, as long as `value` holds."""
        response.set_cookie(
            name,
            self.cookies.seal(value),
            max_age=int(SIGNIN_S),
            path=path,
            httponly=True,
            samesite="lax",
            secure=self._own_url.startswith("https://"),
        )
