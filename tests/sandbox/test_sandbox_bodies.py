"""A body that GitHub would refuse is refused with 422, and remembered as a violation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import FULL_NAME, Town
from tests.support.openapi import github

CHECKS = f"/repos/{FULL_NAME}/check-runs"


def check(town: Town, **changed: Any) -> dict[str, Any]:
    body = {"name": "WhaleRay", "head_sha": town.sha, "status": "in_progress", **changed}
    return {key: value for key, value in body.items() if value is not None}


def output(**changed: Any) -> dict[str, Any]:
    return {"output": {"title": "t", "summary": "s", **changed}}


def annotation(**changed: Any) -> dict[str, Any]:
    common = {"path": "README.md", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}
    return {**common, **changed}


BUTTON = {"label": "Redeploy", "description": "Again", "identifier": "redeploy"}
WRONG_CHECKS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"colour": "red"}, "colour"),
    "an unknown field further in": (output(colour="red"), "output.colour"),
    "a wrong status": ({"status": "running"}, "status"),
    "a wrong conclusion": ({"status": "completed", "conclusion": "fine"}, "conclusion"),
    "completed without a conclusion": ({"status": "completed"}, "conclusion"),
    "no name": ({"name": None}, "name"),
    "a number for a text": ({"external_id": 7}, "external_id"),
    "a time that is none": ({"started_at": "yesterday"}, "started_at"),
    "an output without summary": ({"output": {"title": "t"}}, "summary"),
    "a summary over 65,535 characters": (output(summary="x" * 65_536), "summary"),
    "a summary over 65,535 bytes": (output(summary="é" * 32_768), "bytesize"),
    "a text over 65,535 bytes": (output(text="é" * 32_768), "bytesize"),
    "51 annotations": (output(annotations=[annotation()] * 51), "annotations"),
    "an annotation of a file that isn't there": (output(annotations=[annotation(path="gone.txt")]), "gone.txt"),
    "an annotation that ends before it starts": (output(annotations=[annotation(start_line=2)]), "start_line"),
    "an annotation of line 0": (output(annotations=[annotation(start_line=0, end_line=0)]), "start_line"),
    "a level that is none": (output(annotations=[annotation(annotation_level="error")]), "annotation_level"),
    "an annotation of more than 64 KB": (output(annotations=[annotation(message="x" * 65_537)]), "64 KB"),
    "four buttons": ({"actions": [BUTTON] * 4}, "actions"),
    "a label of 21 characters": ({"actions": [BUTTON | {"label": "x" * 21}]}, "label"),
    "a description of 41 characters": ({"actions": [BUTTON | {"description": "x" * 41}]}, "description"),
    "an identifier of 21 characters": ({"actions": [BUTTON | {"identifier": "x" * 21}]}, "identifier"),
    "a link that is no link": ({"details_url": "javascript:alert(1)"}, "details_url"),
    "a commit that isn't there": ({"head_sha": "f" * 40}, "No commit found"),
}


@pytest.mark.parametrize("case", WRONG_CHECKS)
def test_a_wrong_check_run_is_refused(town: Town, case: str) -> None:
    changed, word = WRONG_CHECKS[case]
    answer = town.call("POST", CHECKS, json=check(town, **changed))
    assert answer.status_code == 422
    assert len(town.sandbox.violations) == 1
    assert word in str(town.sandbox.violations[0]) + answer.text
    assert not town.sandbox.check_runs(FULL_NAME, town.sha)


def test_the_largest_check_run_is_taken(town: Town) -> None:
    full = {"label": "x" * 20, "description": "y" * 40, "identifier": "z" * 20}
    body = check(
        town,
        actions=[full] * 3,
        **output(summary="é" * 32_767, text="x" * 65_535, annotations=[annotation(message="m" * 65_536)] * 50),
    )
    assert town.call("POST", CHECKS, json=body).status_code == 201
    assert not town.sandbox.violations


def test_annotations_are_added_and_buttons_replaced(town: Town) -> None:
    body = check(town, actions=[BUTTON], **output(annotations=[annotation()]))
    number = town.call("POST", CHECKS, json=body).json()["id"]
    town.call("PATCH", f"{CHECKS}/{number}", json=output(annotations=[annotation(message="n")]))
    town.call("PATCH", f"{CHECKS}/{number}", json={"actions": []})
    run = town.sandbox.check_runs(FULL_NAME, town.sha)[0]
    assert [each["message"] for each in run["annotations"]] == ["m", "n"]
    assert run["actions"] == []
    assert [moment.actions for moment in town.sandbox.check_run_history(number)] == [("redeploy",), ("redeploy",), ()]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/issues/1/comments", {"body": "x" * 65_537}, "too long"),
        ("/issues/1/comments", {"body": "  "}, "blank"),
        ("/issues/1/comments", {"text": "x"}, "body"),
        ("/issues/1/comments", {"body": None}, "body"),
        ("/issues/comments/{comment}/reactions", {"content": "thumbsup"}, "content"),
        ("/deployments", {"ref": "main", "required_contexts": [], "description": "x" * 141}, "description"),
        ("/deployments", {"ref": "main", "required_contexts": [], "auto_merge": "no"}, "auto_merge"),
        ("/deployments/{deployment}/statuses", {"state": "running"}, "state"),
        ("/deployments/{deployment}/statuses", {"state": "success", "description": "x" * 141}, "description"),
        ("/deployments/{deployment}/statuses", {"state": "success", "environment_url": "ftp://x"}, "environment_url"),
    ],
)
def test_other_wrong_bodies_are_refused(town: Town, path: str, body: dict[str, Any], word: str) -> None:
    sandbox = town.sandbox
    sandbox.push(FULL_NAME, {"a": b"a"}, branch="f")
    sandbox.open_pull_request(FULL_NAME, head="f", title="F", by="octocat")
    values = {
        "comment": sandbox.comment(FULL_NAME, 1, "/whaleray deploy", by="octocat"),
        "deployment": town.call(
            "POST", f"/repos/{FULL_NAME}/deployments", json={"ref": "main", "required_contexts": []}
        ).json()["id"],
    }
    answer = town.call("POST", f"/repos/{FULL_NAME}{path.format(**values)}", json=body)
    assert answer.status_code == 422
    assert word in str(sandbox.violations[0])


def test_what_is_no_json_object_is_refused(town: Town) -> None:
    for content in (b"{", b"[]", b"\xff"):
        assert town.call("POST", CHECKS, content=content).status_code == 400
    assert len(town.sandbox.violations) == 3


def test_an_endpoint_that_nobody_knows_is_a_violation(town: Town) -> None:
    assert town.call("GET", f"/repos/{FULL_NAME}/stargazers").status_code == 404
    assert "GET" in str(town.sandbox.violations[0])


def test_a_deployment_waits_for_checks_unless_told_not_to(town: Town) -> None:
    town.call("POST", CHECKS, json=check(town))
    path = f"/repos/{FULL_NAME}/deployments"
    assert town.call("POST", path, json={"ref": town.sha}).status_code == 409
    assert town.call("POST", path, json={"ref": town.sha, "required_contexts": []}).status_code == 201


def test_a_further_check_refuses_what_it_finds_wrong(town: Town) -> None:
    town.sandbox.checks.append(github().request)
    assert town.call("GET", f"/repos/{FULL_NAME}/deployments", params={"commit": town.sha}).status_code == 422
    assert "commit is no parameter" in str(town.sandbox.violations[0])
    assert town.call("GET", f"/repos/{FULL_NAME}/deployments", params={"sha": town.sha}).status_code == 200
    assert town.call("POST", CHECKS, json=check(town, **output())).status_code == 201
