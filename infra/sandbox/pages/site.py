"""The pages' addresses."""

from __future__ import annotations

from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.sandbox.pages import avatar
from infra.sandbox.pages.forms import Forms
from infra.sandbox.pages.joining import Joining
from infra.sandbox.pages.reading import Reading

_ASSETS = {"sandbox.css": "text/css; charset=utf-8", "sandbox.js": "text/javascript; charset=utf-8"}


class Pages(Reading, Forms, Joining):
    def application(self) -> Starlette:
        page, form = self._page, self._form
        repository = "/{owner}/{name}"
        return Starlette(
            routes=[
                Route("/_assets/{name}", self._asset),
                Route("/_avatar/{id:int}.svg", self._avatar),
                Route("/", page("home.html.j2", self._home)),
                Route("/_user", form(self._become), methods=["POST"]),
                Route("/login/oauth/authorize", page("authorize.html.j2", self._authorize)),
                Route("/login/oauth/authorize", form(self._authorized), methods=["POST"]),
                Route("/login/oauth/access_token", self._access_token, methods=["POST"]),
                Route("/settings/apps/new", self._new_app, methods=["POST"]),
                Route("/organizations/{owner}/settings/apps/new", self._new_app, methods=["POST"]),
                Route("/settings/apps", form(self._register), methods=["POST"]),
                Route("/apps/{slug}", page("app.html.j2", self._app)),
                Route("/apps/{slug}/installations/new", page("install.html.j2", self._installing)),
                Route("/apps/{slug}/installations", form(self._install), methods=["POST"]),
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
