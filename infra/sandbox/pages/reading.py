"""What each page shows."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from infra.sandbox.pages.base import Base, Missing
from infra.sandbox.pages.views import RepositoryView


class Reading(Base):
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
