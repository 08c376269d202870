"""What the sandbox answers is as GitHub's official description says."""

from __future__ import annotations

from typing import Any

import pytest

from infra.sandbox.api.call import ENDPOINTS
from tests.sandbox.conftest import FULL_NAME, Town
from tests.support.openapi import github

REPO = "/repos/{owner}/{repo}"


@pytest.fixture
def lived_in(town: Town) -> dict[str, Any]:
    """The town after some work, and the values that paths need."""
    sandbox = town.sandbox
    head = sandbox.push(FULL_NAME, {"a.txt": b"a"}, branch="feature", by="octocat")
    number = sandbox.open_pull_request(FULL_NAME, head="feature", title="A", by="octocat")
    comment = sandbox.comment(FULL_NAME, number, "Fine.", by="octocat")
    tree = town.call("GET", f"/repos/{FULL_NAME}/git/trees/{head}").json()["tree"]
    values = {
        "owner": "octo-org",
        "repo": "hello",
        "username": "octocat",
        "installation_id": town.installation,
        "pull_number": number,
        "issue_number": number,
        "comment_id": comment,
        "ref": "heads/feature",
        "branch": "feature",
        "commit_sha": head,
        "tree_sha": head,
        "file_sha": next(each["sha"] for each in tree if each["type"] == "blob"),
        "delivery_id": sandbox.deliveries()[0].id,
    }
    made = {
        "check_run_id": ("/check-runs", check_run(head)),
        "deployment_id": ("/deployments", {"ref": head, "required_contexts": []}),
    }
    for name, (path, body) in made.items():
        answer = town.call("POST", f"/repos/{FULL_NAME}{path}", json=body)
        assert answer.status_code == 201, answer.text
        values[name] = answer.json()["id"]
        values.setdefault("check_suite_id", answer.json().get("check_suite", {}).get("id"))
    state = {"state": "success", "environment_url": "https://example.com/"}
    town.call("POST", f"/repos/{FULL_NAME}/deployments/{values['deployment_id']}/statuses", json=state)
    return values


def check_run(sha: str) -> dict[str, Any]:
    return {
        "name": "WhaleRay",
        "head_sha": sha,
        "external_id": "d1",
        "status": "completed",
        "conclusion": "failure",
        "output": {
            "title": "FAILED",
            "summary": "It did not compile.",
            "annotations": [
                {"path": "a.txt", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "no"}
            ],
        },
        "actions": [{"label": "Redeploy", "description": "Again", "identifier": "redeploy"}],
    }


def test_every_read_is_answered_as_described(town: Town, lived_in: dict[str, Any]) -> None:
    wrong: list[str] = []
    reads = [each for each in ENDPOINTS if each.method == "GET" and each.template != "/user"]
    for each in reads:
        values = {**lived_in}
        if each.template.startswith(f"{REPO}/commits/") or each.template.startswith(f"{REPO}/tarball"):
            values["ref"] = "feature"
        path = each.template.format(**values)
        caller = f"Bearer {town.jwt()}" if each.by == "app" else None
        answer = town.call("GET", path, caller)
        body = answer.json() if answer.content else None
        found = github().answer("GET", each.template, answer.status_code, body)
        # The description wants this account to be a user and an enterprise at once, which no account is.
        wrong += [f"{each.route} -> {problem}" for problem in found if "200.0.account: " not in problem]
    assert len(reads) > 25
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("method", "template", "body"),
    [
        ("POST", "/app/installations/{installation_id}/access_tokens", {"permissions": {"contents": "read"}}),
        ("POST", "/app/hook/deliveries/{delivery_id}/attempts", None),
        ("POST", f"{REPO}/check-runs", check_run("{commit_sha}")),
        ("PATCH", f"{REPO}/check-runs/{{check_run_id}}", {"status": "in_progress", "actions": []}),
        ("POST", f"{REPO}/issues/{{issue_number}}/comments", {"body": "Hello"}),
        ("PATCH", f"{REPO}/issues/comments/{{comment_id}}", {"body": "Hello again"}),
        ("POST", f"{REPO}/issues/comments/{{comment_id}}/reactions", {"content": "eyes"}),
        ("DELETE", f"{REPO}/issues/comments/{{comment_id}}", None),
        ("POST", f"{REPO}/deployments", {"ref": "{commit_sha}", "required_contexts": [], "payload": {"whaleray": "d"}}),
        ("POST", f"{REPO}/deployments/{{deployment_id}}/statuses", {"state": "success", "auto_inactive": False}),
    ],
)
def test_every_write_is_answered_as_described(
    town: Town, lived_in: dict[str, Any], method: str, template: str, body: dict[str, Any] | None
) -> None:
    if body is not None:
        body = {key: value.format(**lived_in) if isinstance(value, str) else value for key, value in body.items()}
    caller = f"Bearer {town.jwt()}" if template.startswith("/app/") else None
    answer = town.call(method, template.format(**lived_in), caller, json=body)
    assert answer.status_code < 300, answer.text
    assert not github().answer(method, template, answer.status_code, answer.json() if answer.content else None)
    assert not town.sandbox.violations


def test_every_endpoint_is_one_that_github_describes() -> None:
    unknown = [each.route for each in ENDPOINTS if each.method.lower() not in github().paths.get(each.template, {})]
    assert not unknown


def test_an_answer_that_is_not_as_described_is_found() -> None:
    wrong = github().answer("GET", "/app", 200, {"id": "one"})
    assert any("'one' is not" in each for each in wrong)
    assert github().answer("GET", "/app", 418, {})
