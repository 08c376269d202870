"""Check runs."""

from __future__ import annotations

from typing import Literal

from pydantic import TypeAdapter

from bot.model import Repository
from bot.ports import Annotation, CheckRun
from infra.github import bodies
from infra.github.answers import AnnotationAnswer, CheckRuns, Id, read
from infra.github.base import Part, of
from infra.github.failures import Absent, Transient

_PASSED = frozenset({"success", "neutral", "skipped"})
_ANNOTATIONS = TypeAdapter(list[AnnotationAnswer])


class Checks(Part):
    """GitHub adds the annotations of each request to those it has. What it has is therefore asked first (only when
    there are any to show), and an annotation goes out once, whatever is repeated or lost in between. One that is no
    longer wanted stays: GitHub can't take it back."""

    async def find_check_run(self, repo: Repository, sha: str, external_id: str) -> int | None:
        """The App's own check run on that commit."""
        mine = {"check_name": bodies.CHECK_NAME, "filter": "all"} | ({"app_id": self._app_id} if self._app_id else {})
        url = of(repo, "/commits/{}/check-runs", sha)
        try:
            async for page in self._client.pages(url, repo.installation_id, **mine):
                for run in read(CheckRuns, page).check_runs:
                    ours = run.app is None or not self._app_id or run.app.id == self._app_id
                    if ours and run.name == bodies.CHECK_NAME and run.external_id == external_id:
                        return run.id
        except Absent:
            return None
        return None

    async def other_checks(self, repo: Repository, sha: str) -> Literal["none", "pending", "passed", "failed"]:
        """The newest run of each name counts; neutral and skipped ones pass."""
        url = of(repo, "/commits/{}/check-runs", sha)
        runs = [
            run
            async for page in self._client.pages(url, repo.installation_id, filter="latest")
            for run in read(CheckRuns, page).check_runs
            if not (run.app is not None and self._app_id and run.app.id == self._app_id)
        ]
        if not runs:
            return "none"
        if any(run.status == "completed" and run.conclusion not in _PASSED for run in runs):
            return "failed"
        return "passed" if all(run.status == "completed" for run in runs) else "pending"

    async def create_check_run(self, repo: Repository, check: CheckRun) -> int:
        """An answer that got lost: the check run is looked up; Outage when it is not there (yet)."""
        first, *rest = bodies.batches(check.annotations)
        body = bodies.new_check_run(check, first)
        try:
            response = await self._client.send(
                "POST", of(repo, "/check-runs"), repo.installation_id, body=body, again=False
            )
        except Transient as failure:
            found = await self.find_check_run(repo, check.head_sha, check.external_id) if failure.arrived else None
            if found is None:
                raise
            return found
        check_run_id = read(Id, response).id
        for batch in rest:
            await self._patch(repo, check_run_id, {"output": bodies.output(check, batch)})
        return check_run_id

    async def update_check_run(self, repo: Repository, check_run_id: int, check: CheckRun) -> None:
        """Raises Gone when there is no such check run."""
        missing = await self._missing(repo, check_run_id, check.annotations)
        first, *rest = bodies.batches(missing)
        await self._patch(repo, check_run_id, bodies.changed_check_run(check, first))
        for batch in rest:
            await self._patch(repo, check_run_id, {"output": bodies.output(check, batch)})

    async def _missing(self, repo: Repository, check_run_id: int, wanted: tuple[Annotation, ...]) -> list[Annotation]:
        if not wanted:
            return []
        there = {
            (each.path, each.start_line, each.title.strip(), each.message.strip())
            async for page in self._client.pages(
                of(repo, "/check-runs/{}/annotations", check_run_id), repo.installation_id
            )
            for each in read(_ANNOTATIONS, page)
        }
        return [a for a in wanted if (a.path, max(a.line, 1), a.title.strip(), a.message.strip()) not in there]

    async def _patch(self, repo: Repository, check_run_id: int, body: bodies.Body) -> None:
        url = of(repo, "/check-runs/{}", check_run_id)
        again = not body["output"].get("annotations")  # they would be added twice
        await self._client.send("PATCH", url, repo.installation_id, body=body, again=again)
