"""Deployments and their statuses."""

from __future__ import annotations

from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.api.gitdata import commit_of
from infra.sandbox.records import Deployment, DeploymentStatus
from infra.sandbox.refusal import Refusal, not_found


@endpoint("GET /repos/{owner}/{repo}/deployments", "deployments:read")
def deployments(call: Call) -> Answer:
    query = call.query
    found = [
        each
        for each in reversed(call.repository.deployments.values())
        if query.get("sha", "none") in ("none", each.sha)
        and query.get("ref", "none") in ("none", each.ref)
        and query.get("environment", "none") in ("none", each.environment)
        and query.get("task", "none") in ("none", each.task)
    ]
    return call.page([call.shapes.deployment(call.repository, each) for each in found])


@endpoint("POST /repos/{owner}/{repo}/deployments", "deployments:write")
def create(call: Call) -> Answer:
    body, repository = call.body, call.repository
    sha = commit_of(call, body["ref"]).sha
    contexts = body.get("required_contexts")
    pending = [run for run in repository.check_runs.values() if run.head_sha == sha and not _passed(run.conclusion)]
    if pending and (contexts is None or any(run.name in contexts for run in pending)):
        raise Refusal(409, "Conflict: Commit status checks failed for " + body["ref"], violation=True)
    deployment = Deployment(
        id=call.world.new_id("deployment"),
        sha=sha,
        ref=body["ref"],
        task=body.get("task", "deploy"),
        payload=body.get("payload", {}),
        environment=body.get("environment", "production"),
        description=body.get("description") or "",
        creator=call.account,
        app=call.app if call.caller.token is not None else None,
        transient=body.get("transient_environment", False),
        production=body.get("production_environment", body.get("environment", "production") == "production"),
        created_at=call.world.now(),
    )
    repository.deployments[deployment.id] = deployment
    shape = call.shapes.deployment(repository, deployment)
    return Answer(201, shape, headers={"Location": shape["url"]})


def _passed(conclusion: str | None) -> bool:
    return conclusion in ("success", "neutral", "skipped")


def deployment_of(call: Call) -> Deployment:
    found = call.repository.deployments.get(call.number("deployment_id"))
    if found is None:
        raise not_found()
    return found


@endpoint("GET /repos/{owner}/{repo}/deployments/{deployment_id}", "deployments:read")
def deployment(call: Call) -> Answer:
    return Answer(json=call.shapes.deployment(call.repository, deployment_of(call)))


@endpoint("GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses", "deployments:read")
def statuses(call: Call) -> Answer:
    found = deployment_of(call)
    shape = call.shapes.deployment_status
    return call.page([shape(call.repository, found, each) for each in reversed(found.statuses)])


@endpoint("POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses", "deployments:write")
def set_status(call: Call) -> Answer:
    """`auto_inactive` (on unless told otherwise) ends the earlier ones of the same environment, where it isn't
    production."""
    body, found = call.body, deployment_of(call)
    status = _status(call, found, body["state"], body)
    if body["state"] == "success" and body.get("auto_inactive", True) and not found.production:
        for each in call.repository.deployments.values():
            same = each.environment == found.environment and each is not found and not each.production
            if same and each.statuses and each.statuses[-1].state == "success":
                _status(call, each, "inactive", {})
    shape = call.shapes.deployment_status(call.repository, found, status)
    return Answer(201, shape, headers={"Location": shape["url"]})


def _status(call: Call, deployment: Deployment, state: str, body: dict[str, object]) -> DeploymentStatus:
    status = DeploymentStatus(
        id=call.world.new_id("deployment status"),
        state=state,
        description=str(body.get("description") or ""),
        environment_url=str(body.get("environment_url") or ""),
        log_url=str(body.get("log_url") or body.get("target_url") or ""),
        environment=str(body.get("environment") or deployment.environment),
        creator=call.account,
        created_at=call.world.now(),
    )
    deployment.statuses.append(status)
    return status
