"""What people do in the sandbox has the effect that it has on GitHub, or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.sandbox import Sandbox
from tests.sandbox.conftest import FULL_NAME, Town


def completed(town: Town, **changed: Any) -> int:
    button = {"label": "Redeploy", "description": "Again", "identifier": "redeploy"}
    body = {"name": "WhaleRay", "head_sha": town.sha, "status": "completed", "conclusion": "success"}
    answer = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json={**body, "actions": [button], **changed})
    return int(answer.json()["id"])


def test_a_button_that_is_not_there_cannot_be_pressed(town: Town) -> None:
    check = completed(town)
    with pytest.raises(LookupError, match="rollback"):
        town.sandbox.press(FULL_NAME, check, "rollback", by="octocat")
    town.sandbox.press(FULL_NAME, check, "redeploy", by="octocat")
    told = town.sandbox.deliveries("check_run")[-1].payload
    assert (told["action"], told["requested_action"]["identifier"]) == ("requested_action", "redeploy")
    assert told["sender"]["login"] == "octocat"


def test_a_check_that_has_not_completed_shows_no_buttons(town: Town) -> None:
    town.call(
        "PATCH", f"/repos/{FULL_NAME}/check-runs/{(check := completed(town))}", json={"status": "in_progress"}
    ).raise_for_status()
    with pytest.raises(LookupError):
        town.sandbox.press(FULL_NAME, check, "redeploy", by="octocat")
    with pytest.raises(PermissionError):
        town.sandbox.rerun_check(FULL_NAME, check, by="octocat")


def test_a_stranger_can_neither_see_nor_push_nor_press(town: Town) -> None:
    check = completed(town)
    sandbox = town.sandbox
    with pytest.raises(PermissionError):
        sandbox.press(FULL_NAME, check, "redeploy", by="mona")
    with pytest.raises(PermissionError):
        sandbox.fork(FULL_NAME, by="mona")
    sandbox.make_public(FULL_NAME)
    with pytest.raises(PermissionError):
        sandbox.push(FULL_NAME, {"a": b""}, by="mona")
    with pytest.raises(LookupError, match="create_user"):
        sandbox.push(FULL_NAME, {"a": b""}, by="nobody")


def test_a_merge_makes_a_merge_commit_and_conflicts_are_refused(town: Town) -> None:
    sandbox = town.sandbox
    head = sandbox.push(FULL_NAME, {"a": b"1\n"}, branch="one", by="octocat")
    sandbox.push(FULL_NAME, {"a": b"2\n"}, branch="two", by="octocat")
    one = sandbox.open_pull_request(FULL_NAME, head="one", title="One", by="octocat")
    two = sandbox.open_pull_request(FULL_NAME, head="two", title="Two", by="octocat")
    sha = sandbox.merge_pull_request(FULL_NAME, one, by="octocat")
    commit = town.call("GET", f"/repos/{FULL_NAME}/commits/{sha}").json()
    assert [each["sha"] for each in commit["parents"]] == [town.sha, head]
    pulls = town.call("GET", f"/repos/{FULL_NAME}/commits/{sha}/pulls").json()
    assert [each["number"] for each in pulls] == [one]
    with pytest.raises(LookupError, match="conflicts"):
        sandbox.merge_pull_request(FULL_NAME, two, by="octocat")


def test_a_transferred_repository_leaves_the_installation(town: Town) -> None:
    sandbox = town.sandbox
    sandbox.transfer_repository(FULL_NAME, "mona", by="octocat")
    assert sandbox.deliveries()[-1].payload["repositories_removed"][0]["full_name"] == "mona/hello"
    assert town.call("GET", "/installation/repositories").json()["total_count"] == 0
    assert sandbox.world.repository("mona/hello").id
    with pytest.raises(LookupError):
        sandbox.world.repository(FULL_NAME)


def test_an_old_name_leads_to_the_new_one_until_it_is_taken(town: Town) -> None:
    sandbox = town.sandbox
    sandbox.rename_repository(FULL_NAME, "renamed", by="octocat")
    number = sandbox.world.repository("octo-org/renamed").id
    moved = town.call("GET", f"/repos/{FULL_NAME}/commits/main?per_page=1")
    assert moved.status_code == 301
    assert moved.headers["location"] == f"{sandbox.api_url}/repositories/{number}/commits/main?per_page=1"
    body = {"name": "WhaleRay", "head_sha": town.sha, "status": "queued"}
    assert town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=body).status_code == 307
    sandbox.create_repository("octo-org", "hello", files={"a": b""})
    assert town.call("GET", f"/repos/{FULL_NAME}").json()["id"] != number


def test_an_installation_on_everything_takes_new_repositories_in(sandbox: Sandbox, town: Town) -> None:
    sandbox.create_repository("mona", "first", files={"a": b""})
    sandbox.install("mona", None)
    sandbox.create_repository("mona", "second", files={"a": b""})
    told = sandbox.deliveries("installation_repositories")[-1].payload
    assert [each["full_name"] for each in told["repositories_added"]] == ["mona/second"]
    with pytest.raises(ValueError, match="its own repositories"):
        sandbox.install("mona", [FULL_NAME], by="mona")


def test_checks_listed_by_name_app_and_newest(town: Town) -> None:
    first, second = completed(town), completed(town, external_id="again")
    path = f"/repos/{FULL_NAME}/commits/main/check-runs"

    def ids(**query: object) -> list[int]:
        return [each["id"] for each in town.call("GET", path, params=query).json()["check_runs"]]

    assert ids() == [second]
    assert ids(filter="all") == [second, first]
    assert ids(filter="all", app_id=4242) == []
    assert ids(filter="all", check_name="Other") == []


def test_auto_inactive_spares_production_and_other_environments(town: Town) -> None:
    def deployed(environment: str, *, production: bool) -> int:
        body = {"ref": "main", "required_contexts": [], "environment": environment}
        path = f"/repos/{FULL_NAME}/deployments"
        number = int(town.call("POST", path, json=body | {"production_environment": production}).json()["id"])
        town.call("POST", f"{path}/{number}/statuses", json={"state": "success"}).raise_for_status()
        return number

    for environment, production in (("pull/1", False), ("pull/1", False), ("pull/2", False), ("production", True)):
        deployed(environment, production=production)
    deployed("production", production=True)
    states = [each["statuses"][-1]["state"] for each in town.sandbox.deployments(FULL_NAME)]
    assert states == ["inactive", "success", "success", "success", "success"]
