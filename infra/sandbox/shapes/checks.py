"""Check runs and suites in GitHub's JSON."""

from __future__ import annotations

from infra.sandbox.records import CheckRun, CheckSuite, Repository, iso
from infra.sandbox.shapes.base import Shape, node
from infra.sandbox.shapes.commits import Commits
from infra.sandbox.shapes.pulls import Pulls


class Checks(Commits, Pulls):
    def check_run(self, repository: Repository, run: CheckRun) -> Shape:
        url = f"{self.api}/repos/{repository.full_name}/check-runs/{run.id}"
        return {
            "id": run.id,
            "name": run.name,
            "node_id": node("CheckRun", run.id),
            "head_sha": run.head_sha,
            "external_id": run.external_id,
            "url": url,
            "html_url": f"{self.web}/{repository.full_name}/runs/{run.id}",
            "details_url": run.details_url or run.suite.app.external_url or self.web,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": run.text,
                "annotations_count": len(run.annotations),
                "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": run.suite.id},
            "app": self.app(run.suite.app),
            "pull_requests": self.pulls_of(repository, run.head_sha),
        }

    def check_suite(self, repository: Repository, suite: CheckSuite) -> Shape:
        url = f"{self.api}/repos/{repository.full_name}/check-suites/{suite.id}"
        commit = repository.git.read_commit(suite.head_sha)
        return {
            "id": suite.id,
            "node_id": node("CheckSuite", suite.id),
            "head_branch": suite.head_branch,
            "head_sha": suite.head_sha,
            "status": suite.status,
            "conclusion": suite.conclusion,
            "url": url,
            "before": None,
            "after": suite.head_sha,
            "pull_requests": self.pulls_of(repository, suite.head_sha),
            "app": self.app(suite.app),
            "created_at": iso(suite.created_at),
            "updated_at": iso(suite.created_at),
            "rerequestable": True,
            "runs_rerequestable": True,
            "latest_check_runs_count": len(suite.runs),
            "check_runs_url": f"{url}/check-runs",
            "head_commit": self.head_commit(commit) if commit else None,
        }
