"""The pages' addresses, and the forms on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import anyio.to_thread
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.sandbox.pages import avatar, guard, markdown, times, views
from infra.sandbox.pages.views import RepositoryView
from infra.sandbox.shapes import Shapes
from infra.sandbox.world import Account, Repository

if TYPE_CHECKING:
    from infra.sandbox.sandbox import Sandbox

LARGEST_FORM = 512 * 1024
COOKIE = "sandbox_user"
_ASSETS = {"sandbox.css": "text/css; charset=utf-8", "sandbox.js": "text/javascript; charset=utf-8"}


class Missing(Exception):
    """No such page."""


Form = dict[str, str]


class Pages:
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

    def application(self) -> Starlette:
        page, form = self._page, self._form
        repository = "/{owner}/{name}"
        return Starlette(
            routes=[
                Route("/_assets/{name}", self._asset),
                Route("/_avatar/{id:int}.svg", self._avatar),
                Route("/", page("home.html.j2", self._home)),
                Route("/_user", form(self._become), methods=["POST"]),
                Route("/apps/{slug}", page("app.html.j2", self._app)),
                Route("/_deliveries/{guid}", form(self._redeliver), methods=["POST"]),
                Route("/{owner}", page("owner.html.j2", self._owner)),
                Route(repository, page("repository.html.j2", self._repository)),
                Route(f"{repository}/tree/{{branch:path}}", page("repository.html.j2", self._repository)),
                Route(f"{repository}/commit/{{sha}}", page("checks.html.j2", self._commit)),
                Route(f"{repository}/commit/{{sha}}/rerun", form(self._rerun_suite), methods=["POST"]),
                Route(f"{repository}/runs/{{id:int}}", page("checks.html.j2", self._run)),
                Route(f"{repository}/runs/{{id:int}}/press", form(self._press), methods=["POST"]),
                Route(f"{repository}/runs/{{id:int}}/rerun", form(self._rerun), methods=["POST"]),
                Route(f"{repository}/blob/{{rest:path}}", page("file.html.j2", self._file)),
                Route(f"{repository}/pulls", page("pulls.html.j2", self._pulls)),
                Route(f"{repository}/pull/{{number:int}}", page("pull.html.j2", self._pull)),
                Route(f"{repository}/pull/{{number:int}}/checks", page("checks.html.j2", self._pull_checks)),
                Route(f"{repository}/pull/{{number:int}}/comment", form(self._comment), methods=["POST"]),
                Route(f"{repository}/pull/{{number:int}}/{{verb}}", form(self._change_pull), methods=["POST"]),
                Route(f"{repository}/deployments", page("deployments.html.j2", self._deployments)),
            ]
        )

    # How a page and a form are answered.

    def _page(
        self, template: str, gather: Callable[[Request], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        def made(request: Request) -> Response:
            with self._world.lock:
                try:
                    html = self._templates.get_template(template).render(me=self._me(request), **gather(request))
                except (Missing, LookupError):
                    return self._said(404, "There is no such page.", "Nothing of that name is in the sandbox.")
            return HTMLResponse(html, headers=guard.POLICY)

        async def answer(request: Request) -> Response:
            if not guard.own_host(request.headers, self._port):
                return self._said(421, "This is not the host you asked for.", f"Go to {self._shapes.web}.")
            return await anyio.to_thread.run_sync(made, request)

        return answer

    def _form(self, act: Callable[[Request, Form], str]) -> Callable[[Request], Awaitable[Response]]:
        def done(request: Request, form: Form) -> Response:
            try:
                answer: Response = RedirectResponse(act(request, form), 303, headers=guard.POLICY)
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

    def _said(self, status: int, what: str, why: str) -> Response:
        html = self._templates.get_template("message.html.j2").render(me=None, what=what, why=why)
        return HTMLResponse(html, status, headers=guard.POLICY)

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return self._said(404, "There is no such page.", "")
        text = (resources.files("templates") / "sandbox" / name).read_text()
        return Response(text, media_type=_ASSETS[name], headers={"Cache-Control": "no-cache"})

    async def _avatar(self, request: Request) -> Response:
        number = request.path_params["id"]
        found = next((each for each in self._world.accounts.values() if each.id == number), None)
        if found is None:
            return self._said(404, "There is no such page.", "")
        headers = {"Cache-Control": "max-age=60", "X-Content-Type-Options": "nosniff"}
        return Response(avatar.svg(found), media_type="image/svg+xml", headers=headers)

    # What templates ask.

    def _known(self, login: str) -> bool:
        return self._world.account(login) is not None

    def _login_of(self, account: Account) -> str:
        return account.login.removesuffix("[bot]")

    def _people(self) -> list[Account]:
        """Those who can act; the App's owner is nobody in the story."""
        owners = {app.owner for app in self._world.apps.values()}
        return [each for each in self._world.accounts.values() if each.type == "User" and each not in owners]

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

    # Pages.

    def _named(self, request: Request) -> Repository:
        parts = request.path_params
        found = self._world.find(parts["owner"], parts["name"])
        if found is None:
            raise Missing
        return found

    def _view(self, request: Request, tab: str) -> dict[str, Any]:
        repository = self._named(request)
        return {"repository": repository, "view": RepositoryView(self._world, repository), "tab": tab}

    def _home(self, request: Request) -> dict[str, Any]:
        views_of = [RepositoryView(self._world, each) for each in self._world.repositories.values()]
        return {"views": views_of, "apps": list(self._world.apps.values())}

    def _owner(self, request: Request) -> dict[str, Any]:
        account = self._world.account(request.path_params["owner"])
        if account is None:
            raise Missing
        theirs = [each for each in self._world.repositories.values() if each.owner is account]
        return {"account": account, "views": [RepositoryView(self._world, each) for each in theirs]}

    def _app(self, request: Request) -> dict[str, Any]:
        slug = request.path_params["slug"]
        app = next((each for each in self._world.apps.values() if each.slug == slug), None)
        if app is None:
            raise Missing
        installed = [each for each in self._world.installations.values() if each.app is app]
        sent = [each for each in self._sandbox.deliveries() if each.app is app]
        return {"app": app, "installations": installed, "deliveries": sent[:-51:-1], "world": self._world}

    def _repository(self, request: Request) -> dict[str, Any]:
        shown = self._view(request, "code")
        branch = request.path_params.get("branch") or shown["repository"].default_branch
        view: RepositoryView = shown["view"]
        if "branch" in request.path_params and branch not in view.branches:
            raise Missing
        return {**shown, "branch": branch, "commits": view.commits(branch) if branch in view.branches else []}

    def _checks(self, request: Request, sha: str, run_id: int | None, **more: Any) -> dict[str, Any]:
        shown = {**self._view(request, "code"), "pull": None, **more}
        commit = shown["view"].commit(sha)
        if commit is None:
            raise Missing
        runs = sorted(commit.runs, key=lambda run: -run.id)
        run = next((each for each in runs if run_id in (None, each.id)), None)
        return {**shown, "commit": commit, "runs": runs, "run": run}

    def _commit(self, request: Request) -> dict[str, Any]:
        return self._checks(request, request.path_params["sha"], None)

    def _run(self, request: Request) -> dict[str, Any]:
        run = self._named(request).check_runs.get(request.path_params["id"])
        if run is None:
            raise Missing
        return self._checks(request, run.head_sha, run.id)

    def _pulls(self, request: Request) -> dict[str, Any]:
        return self._view(request, "pulls")

    def _pull(self, request: Request) -> dict[str, Any]:
        shown = self._view(request, "pulls")
        pull = shown["repository"].pulls.get(request.path_params["number"])
        if pull is None:
            raise Missing
        view: RepositoryView = shown["view"]
        return {**shown, "pull": pull, "events": view.time_line(pull), "head": view.commit(pull.head_sha)}

    def _pull_checks(self, request: Request) -> dict[str, Any]:
        shown = self._pull(request)
        wanted = request.query_params.get("check_run_id", "")
        number = int(wanted) if wanted.isdecimal() else None
        return self._checks(request, shown["pull"].head_sha, number, pull=shown["pull"], tab="pulls")

    def _deployments(self, request: Request) -> dict[str, Any]:
        return self._view(request, "deployments")

    def _file(self, request: Request) -> dict[str, Any]:
        shown = self._view(request, "code")
        sha, _, path = request.path_params["rest"].partition("/")
        git = shown["repository"].git
        item = next((each for each in git.tree(sha, recursive=True) if each.path == path), None)
        content = git.blob(item.sha) if item and item.type == "blob" else None
        if content is None:
            raise Missing
        lines = content.decode(errors="replace").splitlines()[:5000]
        return {**shown, "path": path, "sha": sha, "lines": lines}

    # Forms. Each returns where to go on.

    def _become(self, request: Request, form: Form) -> str:
        if self._world.account(form["login"]) not in self._people():
            raise Missing(f"The sandbox has no user {form['login']}.")
        back = form.get("back", "/")
        return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"

    def _full_name(self, request: Request) -> str:
        return self._named(request).full_name

    def _comment(self, request: Request, form: Form) -> str:
        name, number = self._full_name(request), request.path_params["number"]
        text = form["body"].replace("\r\n", "\n")
        if not text.strip():
            raise ValueError("A comment needs a text.")
        comment = self._sandbox.comment(name, number, text, by=self._by(request, form))
        return f"/{name}/pull/{number}#issuecomment-{comment}"

    def _change_pull(self, request: Request, form: Form) -> str:
        name, number = self._full_name(request), request.path_params["number"]
        by = self._by(request, form)
        match request.path_params["verb"]:
            case "merge":
                self._sandbox.merge_pull_request(name, number, by=by)
            case "close":
                self._sandbox.close_pull_request(name, number, by=by)
            case "reopen":
                self._sandbox.reopen_pull_request(name, number, by=by)
            case verb:
                raise Missing(f"A pull request can't be {verb}d here.")
        return f"/{name}/pull/{number}"

    def _press(self, request: Request, form: Form) -> str:
        name, number = self._full_name(request), request.path_params["id"]
        self._sandbox.press(name, number, form["identifier"], by=self._by(request, form))
        return self._back_to_run(request, name, number)

    def _rerun(self, request: Request, form: Form) -> str:
        name, number = self._full_name(request), request.path_params["id"]
        self._sandbox.rerun_check(name, number, by=self._by(request, form))
        return self._back_to_run(request, name, number)

    def _back_to_run(self, request: Request, name: str, number: int) -> str:
        """To the commit, where the newest check is shown: what the button begins."""
        return f"/{name}/commit/{self._named(request).check_runs[number].head_sha}"

    def _rerun_suite(self, request: Request, form: Form) -> str:
        name, sha = self._full_name(request), request.path_params["sha"]
        self._sandbox.rerun_suite(name, sha, by=self._by(request, form))
        return f"/{name}/commit/{quote(sha)}"

    def _redeliver(self, request: Request, form: Form) -> str:
        sent = self._sandbox.redeliver(request.path_params["guid"])
        return f"/apps/{sent.app.slug}"
