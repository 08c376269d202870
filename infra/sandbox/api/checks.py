"""Check suites and check runs."""

from __future__ import annotations

from typing import Any

from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.api.gitdata import commit_of
from infra.sandbox.records import App, CheckMoment, CheckRun, CheckSuite, Repository, iso
from infra.sandbox.refusal import Refusal, invalid, not_found
from infra.sandbox.world import World

MOST_BUTTONS = 3


def suite_for(world: World, repository: Repository, app: App, sha: str, branch: str | None) -> CheckSuite:
    """GitHub keeps one suite for each App and commit."""
    found = next((each for each in repository.suites.values() if each.app is app and each.head_sha == sha), None)
    if found is None:
        found = CheckSuite(world.new_id("suite"), app, sha, branch, world.now())
        repository.suites[found.id] = found
    return found


def _branch_of(repository: Repository, sha: str) -> str | None:
    heads = repository.git.refs("refs/heads/")
    return next((name.removeprefix("refs/heads/") for name, at in heads.items() if at == sha), None)


@endpoint("POST /repos/{owner}/{repo}/check-runs", "checks:write", by="installation")
def create(call: Call) -> Answer:
    repository, sha = call.repository, call.body["head_sha"]
    if repository.git.resolve(sha) != sha:
        raise Refusal(422, f"No commit found for SHA: {sha}", violation=True)
    _annotations_exist(call, sha)
    suite = suite_for(call.world, repository, call.app, sha, _branch_of(repository, sha))
    run = CheckRun(call.world.new_id("check run"), suite, call.body["name"], sha, started_at=iso(call.world.now()))
    _apply(call.world, run, call.body)
    suite.runs.append(run)
    repository.check_runs[run.id] = run
    call.events.check_run("created", repository, run, call.account)
    _completed(call, run, was="")
    return Answer(201, call.shapes.check_run(repository, run), headers=_location(call, run))


@endpoint("PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:write", by="installation")
def update(call: Call) -> Answer:
    run = run_of(call)
    if run.suite.app is not call.app:
        raise Refusal(
            403, f"Invalid app_id `{call.app.id}` - check run can only be modified by the GitHub App that created it."
        )
    _annotations_exist(call, run.head_sha)
    was = run.status
    _apply(call.world, run, call.body)
    _completed(call, run, was=was)
    return Answer(json=call.shapes.check_run(call.repository, run))


def _location(call: Call, run: CheckRun) -> dict[str, str]:
    return {"Location": f"{call.shapes.api}/repos/{call.repository.full_name}/check-runs/{run.id}"}


def _annotations_exist(call: Call, sha: str) -> None:
    """GitHub shows an annotation of a file that isn't in the commit nowhere: a client that sends one is wrong."""
    wanted = {each["path"] for each in call.body.get("output", {}).get("annotations", ())}
    if wanted and (missing := sorted(wanted - call.repository.git.paths(sha))):
        raise invalid(*(f"output.annotations: {path} is not in {sha[:7]}" for path in missing))


def _apply(world: World, run: CheckRun, body: dict[str, Any]) -> None:
    for name in ("name", "external_id", "details_url", "started_at", "status"):
        if name in body:
            setattr(run, name, body[name])
    if run.status != "completed" and "conclusion" not in body:
        run.conclusion = run.completed_at = None
    if "conclusion" in body:
        run.status, run.conclusion = "completed", body["conclusion"]
        run.completed_at = body.get("completed_at") or iso(world.now())
    if "output" in body:
        output = body["output"]
        run.title, run.summary = output.get("title", run.title), output["summary"]
        run.text = output.get("text")
        run.annotations += output.get("annotations", ())
    if "actions" in body:
        run.actions = list(body["actions"])
    run.history.append(
        CheckMoment(
            at=world.now(),
            status=run.status,
            conclusion=run.conclusion,
            title=run.title or "",
            summary=run.summary or "",
            text=run.text or "",
            actions=tuple(action["identifier"] for action in run.actions),
        )
    )


def _completed(call: Call, run: CheckRun, *, was: str) -> None:
    if run.status == "completed" and was != "completed":
        call.events.check_run("completed", call.repository, run, call.account)
        if run.suite.status == "completed":
            call.events.check_suite("completed", call.repository, run.suite, call.account)


def run_of(call: Call) -> CheckRun:
    found = call.repository.check_runs.get(call.number("check_run_id"))
    if found is None:
        raise not_found()
    return found


@endpoint("GET /repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:read")
def get(call: Call) -> Answer:
    return Answer(json=call.shapes.check_run(call.repository, run_of(call)))


@endpoint("GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", "checks:read")
def annotations_of(call: Call) -> Answer:
    run = run_of(call)
    base = f"{call.shapes.web}/{call.repository.full_name}/blob/{run.head_sha}"
    defaults = {"start_column": None, "end_column": None, "title": None, "raw_details": None}
    shaped = [{**defaults, **each, "blob_href": f"{base}/{each['path']}"} for each in run.annotations]
    return call.page(shaped)


@endpoint("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", "checks:read")
def of_commit(call: Call) -> Answer:
    sha = commit_of(call, call.values["ref"]).sha
    return _listed(call, [run for run in call.repository.check_runs.values() if run.head_sha == sha])


@endpoint("GET /repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", "checks:read")
def of_suite(call: Call) -> Answer:
    return _listed(call, _suite(call).runs)


def _listed(call: Call, runs: list[CheckRun]) -> Answer:
    query = call.query
    found = [
        run
        for run in sorted(runs, key=lambda run: -run.id)
        if query.get("check_name") in (None, run.name)
        and query.get("status") in (None, run.status)
        and query.get("app_id") in (None, str(run.suite.app.id))
    ]
    if query.get("filter", "latest") == "latest":
        newest: dict[tuple[int, str], CheckRun] = {}
        for run in found:
            newest.setdefault((run.suite.id, run.name), run)
        found = list(newest.values())
    shaped = [call.shapes.check_run(call.repository, run) for run in found]
    return call.page(shaped, lambda part: {"total_count": len(shaped), "check_runs": list(part)})


def _suite(call: Call) -> CheckSuite:
    found = call.repository.suites.get(call.number("check_suite_id"))
    if found is None:
        raise not_found()
    return found


@endpoint("GET /repos/{owner}/{repo}/check-suites/{check_suite_id}", "checks:read")
def suite(call: Call) -> Answer:
    shape = call.shapes.check_suite(call.repository, _suite(call))
    return Answer(json={**shape, "repository": call.shapes.repository(call.repository)})
