"""How a page and a form are answered, and what all of them ask of the sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from infra.sandbox.pages import guard, markdown, times, views
from infra.sandbox.pages.views import RepositoryView
from infra.sandbox.records import Account, Repository
from infra.sandbox.shapes import Shapes

if TYPE_CHECKING:
    from infra.sandbox.sandbox import Sandbox

LARGEST_FORM = 512 * 1024
COOKIE = "sandbox_user"

Form = dict[str, str]


class Missing(Exception):
    """No such page."""


class Base:
    def __init__(self, sandbox: Sandbox, shapes: Shapes) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world
        self._shapes = shapes
        self._port = urlsplit(shapes.web).port or 0
        self._templates = Environment(
            loader=PackageLoader("templates", "sandbox"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            clone=shapes.web,
            mark_of=views.mark_of,
            overall=views.overall,
            latest=views.latest,
            state_of=views.state_of,
            url_of=views.url_of,
            reaction_counts=views.reaction_counts,
            login_of=self._login_of,
            account_of=self._world.account,
            people=self._people,
        )
        self._templates.filters.update(
            markdown=partial(markdown.render, known=self._known),
            ago=lambda at: times.ago(at, self._world.now()),
            moment=times.moment,
            lasted=times.lasted,
            since=lambda text: times.ago(times.epoch(text), self._world.now()),
        )

    def _page(
        self, template: str, gather: Callable[[Request], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        def made(request: Request) -> Response:
            with self._world.lock:
                try:
                    return self._shown(request, template, gather(request))
                except Missing as missing:
                    return self._said(404, "There is no such page.", str(missing) or "The sandbox has nothing there.")

        async def answer(request: Request) -> Response:
            if not guard.own_host(request.headers, self._port):
                return self._said(421, "This is not the host you asked for.", f"Go to {self._shapes.web}.")
            return await anyio.to_thread.run_sync(made, request)

        return answer

    def _form(self, act: Callable[[Request, Form], str]) -> Callable[[Request], Awaitable[Response]]:
        def done(request: Request, form: Form) -> Response:
            try:
                answer: Response = RedirectResponse(act(request, form), 303, headers=guard.policy())
                if request.url.path == "/_user":
                    answer.set_cookie(COOKIE, form["login"], httponly=True, samesite="strict")
            except (Missing, KeyError, LookupError, ValueError) as error:
                return self._said(404, "That can't be done.", str(error))
            except PermissionError as error:
                return self._said(403, "That is not allowed.", str(error))
            return answer

        async def answer(request: Request) -> Response:
            headers = request.headers
            if not guard.own_host(headers, self._port) or not guard.same_origin(headers):
                return self._said(403, "Another site sent this.", "Only the sandbox's own forms may change it.")
            body = await request.body()
            if len(body) > LARGEST_FORM:
                return self._said(413, "That is too long.", "GitHub takes up to 65,536 characters.")
            form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
            return await anyio.to_thread.run_sync(done, request, form)

        return answer

    def _shown(self, request: Request, template: str, values: dict[str, Any]) -> Response:
        """`leads_to` among the values: another origin that the page's form may end at."""
        html = self._templates.get_template(template).render(me=self._me(request), **values)
        return HTMLResponse(html, headers=guard.policy(values.get("leads_to", "")))

    def _said(self, status: int, what: str, why: str) -> Response:
        html = self._templates.get_template("message.html.j2").render(me=None, what=what, why=why)
        return HTMLResponse(html, status, headers=guard.policy())

    def _known(self, login: str) -> bool:
        return self._world.account(login) is not None

    def _login_of(self, account: Account) -> str:
        return account.login.removesuffix("[bot]")

    def _people(self) -> list[Account]:
        return [each for each in self._world.accounts.values() if each.type == "User"]

    def _me(self, request: Request) -> Account | None:
        """Who acts: the one chosen in the page's head, else the first."""
        chosen = self._world.account(request.cookies.get(COOKIE, ""))
        people = self._people()
        return chosen if chosen in people else next(iter(people), None)

    def _by(self, request: Request, form: Form) -> str:
        me = self._me(request)
        if "by" in form:
            return form["by"]
        if me is None:
            raise Missing("The sandbox has no person.")
        return me.login

    def _named(self, request: Request) -> Repository:
        parts = request.path_params
        found = self._world.find(parts["owner"], parts["name"])
        if found is None:
            raise Missing
        return found

    def _full_name(self, request: Request) -> str:
        return self._named(request).full_name

    def _view(self, request: Request, tab: str) -> dict[str, Any]:
        repository = self._named(request)
        return {"repository": repository, "view": RepositoryView(self._world, repository), "tab": tab}
