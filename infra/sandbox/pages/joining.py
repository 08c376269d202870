"""Pages on which people let an App in: sign in for it, make it of a manifest, install it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.sandbox import signin
from infra.sandbox.pages import guard
from infra.sandbox.pages.base import LARGEST_FORM, Base, Form, Missing
from infra.sandbox.records import App
from infra.sandbox.registering import problems


def _with(url: str, **values: str) -> str:
    """The address with more in its query."""
    parts = urlsplit(url)
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        *((name, value) for name, value in values.items() if value),
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))


class Joining(Base):
    # Signing in.

    def _authorize(self, request: Request) -> dict[str, Any]:
        asked = dict(request.query_params)
        app, leads_to = self._asking(asked)
        return {"app": app, "asked": asked, "leads_to": leads_to}

    def _asking(self, asked: dict[str, str]) -> tuple[App, str]:
        """The App that asks, and where it leads. Raises Missing in GitHub's words."""
        app = signin.app_of(self._world, asked.get("client_id", ""))
        if app is None:
            raise Missing("No App has that client_id.")
        leads_to = signin.callback(app, asked.get("redirect_uri", ""))
        if leads_to is None:
            raise Missing("The redirect_uri is not associated with this application.")
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            raise Missing("The code_challenge_method must be S256.")
        return app, leads_to

    def _authorized(self, request: Request, form: Form) -> str:
        with self._world.lock:
            app, leads_to = self._asking(form)
            state = form.get("state", "")
            if "cancel" in form:
                said = "The user has denied your application access."
                return _with(leads_to, error="access_denied", error_description=said, state=state)
            person = self._world.account(form["login"])
            if person is None or person not in self._people():
                raise Missing(f"The sandbox has no user {form['login']}.")
            code = signin.grant(self._world, app, person, leads_to, form.get("code_challenge", ""))
        return _with(leads_to, code=code, state=state)

    async def _access_token(self, request: Request) -> Response:
        """For the App itself, not for a browser: its secret is what lets it in."""
        if not guard.own_host(request.headers, self._port):
            return self._said(421, "This is not the host you asked for.", f"Go to {self._shapes.web}.")
        body = await request.body()
        if len(body) > LARGEST_FORM:
            return self._said(413, "That is too long.", "")
        try:
            as_json = request.headers.get("content-type", "").startswith("application/json")
            form = {str(k): str(v) for k, v in (json.loads(body) if as_json else dict(_form(body))).items()}
        except (ValueError, AttributeError):
            form = {}
        with self._world.lock:
            said = signin.exchange(self._world, form)
        if "json" in request.headers.get("accept", ""):
            return JSONResponse(said)
        return Response(urlencode(said), media_type="application/x-www-form-urlencoded")

    # Making an App of a manifest.

    async def _new_app(self, request: Request) -> Response:
        """Another site's form leads here, as on GitHub: nothing is made before the person says so on this page."""
        if not guard.own_host(request.headers, self._port):
            return self._said(421, "This is not the host you asked for.", f"Go to {self._shapes.web}.")
        body = await request.body()
        if len(body) > LARGEST_FORM:
            return self._said(413, "That is too long.", "")
        text = dict(_form(body)).get("manifest", "")
        return await anyio.to_thread.run_sync(self._asked_to_make, request, text)

    def _asked_to_make(self, request: Request, text: str) -> Response:
        try:
            manifest = _manifest(text)
        except ValueError as error:
            return self._said(422, "That manifest is not valid.", str(error))
        with self._world.lock:
            owner = request.path_params.get("owner", "")
            account = self._world.account(owner)
            if owner and (account is None or account.type != "Organization"):
                return self._said(404, "There is no such organisation.", owner)
            values = {
                "manifest": manifest,
                "text": text,
                "owner": owner,
                "state": request.query_params.get("state", ""),
                "leads_to": manifest["redirect_url"],
            }
            return self._shown(request, "new_app.html.j2", values)

    def _register(self, request: Request, form: Form) -> str:
        manifest = _manifest(form["manifest"]) | {"name": form["name"]}
        owner = self._world.account(form.get("owner") or self._by(request, {}))
        if owner is None:
            raise Missing("There is no such owner.")
        code = self._sandbox.register_by_manifest(manifest, owner)
        return _with(str(manifest["redirect_url"]), code=code, state=form.get("state", ""))

    # Installing it.

    def _app_named(self, request: Request) -> App:
        slug = request.path_params["slug"]
        app = next((each for each in self._world.apps.values() if each.slug == slug), None)
        if app is None:
            raise Missing
        return app

    def _installing(self, request: Request) -> dict[str, Any]:
        repositories = sorted(self._world.repositories.values(), key=lambda each: each.full_name)
        return {"app": self._app_named(request), "repositories": repositories}

    def _install(self, request: Request, form: Form) -> str:
        with self._world.lock:
            app, by = self._app_named(request), self._by(request, {})
            repository = self._world.repository(form["repository"])
            if not repository.may(self._world.user(by), "admin"):
                raise PermissionError(f"{by} does not administer {repository.full_name}.")
            self._sandbox.install(repository.owner.login, [repository.full_name], by=by, app=app)
        return f"/{repository.full_name}"


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)


def _manifest(text: str) -> dict[str, Any]:
    """Raises ValueError for what GitHub would not take."""
    manifest = json.loads(text)
    if not isinstance(manifest, dict):
        raise ValueError("The manifest must be a JSON object.")
    wrong = problems(manifest)
    target = urlsplit(str(manifest.get("redirect_url", "")))
    if target.scheme not in ("http", "https") or not target.netloc:
        wrong.append("redirect_url must be an http(s) address.")
    if wrong:
        raise ValueError(" ".join(wrong))
    return manifest
