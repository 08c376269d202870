"""What the forms do. Each returns where to go on."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request

from infra.sandbox.pages.base import Base, Form, Missing


class Forms(Base):
    def _become(self, request: Request, form: Form) -> str:
        if self._world.account(form["login"]) not in self._people():
            raise Missing(f"The sandbox has no user {form['login']}.")
        back = form.get("back", "/")
        return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"

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
