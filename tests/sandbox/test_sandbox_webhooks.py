"""Deliveries: signed, in order, as GitHub describes them, lost and found again."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from githubkit.webhooks import parse

from bot import events, payloads
from infra.sandbox import Sandbox
from tests.sandbox.conftest import FULL_NAME, Listener, Town


@pytest.fixture
def town(build: Callable[..., Town], listener: Listener) -> Town:
    return build(listener.url)


def names(sandbox: Sandbox) -> list[str]:
    return [f"{each.event}.{each.action}" if each.action else each.event for each in sandbox.deliveries()]


def payload(sandbox: Sandbox, event: str) -> dict[str, Any]:
    return sandbox.deliveries(event)[-1].payload


def test_every_delivery_is_signed_over_its_bytes(town: Town, listener: Listener) -> None:
    town.sandbox.push(FULL_NAME, {"ä.txt": "ü"}, message="Grüße 🐋", by="octocat")
    town.sandbox.settle()
    assert [event for event, _, _ in listener.got] == ["installation", "push", "check_suite"]
    for _, headers, body in listener.got:
        expected = hmac.new(town.app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
        assert headers["Content-Type"] == "application/json"
    guids = [headers["X-GitHub-Delivery"] for _, headers, _ in listener.got]
    assert guids == [each.guid for each in town.sandbox.deliveries()]
    assert len(set(guids)) == 3


def test_deliveries_of_a_repository_keep_their_order(town: Town, listener: Listener) -> None:
    shas = [town.sandbox.push(FULL_NAME, {"a": str(number)}, by="octocat") for number in range(6)]
    town.sandbox.settle()
    pushes = [json.loads(body)["after"] for event, _, body in listener.got if event == "push"]
    assert pushes == shas


def everything(town: Town) -> None:
    """One of each thing that WhaleRay hears of."""
    sandbox = town.sandbox
    sandbox.create_repository("octo-org", "second", files={"a": b""})
    sandbox.grant("octo-org/second", "octocat", "admin")
    first = sandbox.push(FULL_NAME, {"a": b"a"}, branch="feature", by="octocat")
    number = sandbox.open_pull_request(FULL_NAME, head="feature", title="A", by="octocat", body="It is.")
    sandbox.push(FULL_NAME, {"a": b"b"}, branch="feature", by="octocat")
    comment = sandbox.comment(FULL_NAME, number, "/whaleray deploy", by="octocat")
    sandbox.edit_comment(FULL_NAME, comment, "/whaleray status")
    button = {"label": "Redeploy", "description": "Again", "identifier": "redeploy"}
    body = {"name": "WhaleRay", "head_sha": first, "status": "completed", "conclusion": "neutral", "actions": [button]}
    check = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=body).json()["id"]
    sandbox.press(FULL_NAME, check, "redeploy", by="octocat")
    sandbox.rerun_check(FULL_NAME, check, by="octocat")
    sandbox.rerun_suite(FULL_NAME, first, by="octocat")
    sandbox.close_pull_request(FULL_NAME, number, by="octocat")
    sandbox.reopen_pull_request(FULL_NAME, number, by="octocat")
    sandbox.merge_pull_request(FULL_NAME, number, by="octocat")
    sandbox.delete_branch(FULL_NAME, "feature", by="octocat")
    sandbox.push_tag(FULL_NAME, "v1", by="octocat")
    sandbox.install("octo-org", ["octo-org/second"], by="octocat")
    sandbox.rename_repository("octo-org/second", "third", by="octocat")
    sandbox.archive_repository("octo-org/third", by="octocat")
    sandbox.transfer_repository("octo-org/third", "mona", by="octocat")
    sandbox.delete_repository(FULL_NAME, by="octocat")
    sandbox.suspend("octo-org", by="octocat")
    sandbox.unsuspend("octo-org", by="octocat")
    sandbox.uninstall("octo-org", by="octocat")


def test_payloads_are_what_githubs_description_says(town: Town) -> None:
    """githubkit's strict models are made from it."""
    everything(town)
    sandbox = town.sandbox
    for each in sandbox.deliveries():
        parse(each.event, each.body)
    assert {"push", "pull_request", "issue_comment", "check_run", "check_suite", "repository"} <= {
        each.event for each in sandbox.deliveries()
    }


def test_whaleray_reads_them_as_it_should(town: Town) -> None:
    everything(town)
    sandbox = town.sandbox
    read = [payloads.parse(each.event, each.guid, each.body, 0.0) for each in sandbox.deliveries()]
    kinds = [each.type for each in read if each is not None]
    assert {"push", "comment", "check_run", "check_suite", "pull_request", "installation", "repository"} == set(kinds)
    pulls = [each for each in read if isinstance(each, events.PullRequestChanged)]
    assert [each.action for each in pulls] == ["opened", "synchronize", "closed", "reopened", "closed"]
    checks = [each for each in read if isinstance(each, events.CheckRunAction)]
    assert [(each.action, each.identifier) for each in checks] == [
        ("requested_action", "redeploy"),
        ("rerequested", ""),
    ]
    assert checks[0].pull_requests == ()
    pushes = [each for each in read if isinstance(each, events.Push)]
    assert [(each.branch, each.deleted) for each in pushes] == [
        ("feature", False),
        ("feature", False),
        ("main", False),
        ("feature", True),
    ]
    installs = [each for each in read if isinstance(each, events.InstallationChanged)]
    assert [each.action for each in installs][:2] == ["created", "added"]
    assert [each.action for each in installs][-3:] == ["suspend", "unsuspend", "deleted"]
    assert (installs[0].sender, [each.full_name for each in installs[0].added]) == ("octocat", [FULL_NAME])
    moved = [each.action for each in read if isinstance(each, events.RepositoryChanged)]
    assert moved == ["renamed", "archived", "deleted"], "the App is not told of a repository it has just lost"


def test_a_pull_request_of_a_fork_is_told_to_its_base_only(town: Town) -> None:
    sandbox = town.sandbox
    sandbox.make_public(FULL_NAME)
    fork = sandbox.fork(FULL_NAME, by="mona")
    sha = sandbox.push(fork, {"a": b"a"}, branch="feature", by="mona")
    number = sandbox.open_pull_request(FULL_NAME, head="feature", head_repository=fork, title="A", by="mona")
    told = payload(sandbox, "pull_request")["pull_request"]
    assert told["head"]["sha"] == sha
    assert told["head"]["repo"]["full_name"] == "mona/hello"
    later = sandbox.push(fork, {"a": b"b"}, branch="feature", by="mona")
    assert payload(sandbox, "pull_request")["after"] == later
    assert not sandbox.deliveries("push")
    town.call("GET", f"/repos/{FULL_NAME}/git/trees/{later}").raise_for_status()
    body = {"name": "WhaleRay", "head_sha": later, "status": "completed", "conclusion": "neutral"}
    run = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=body).json()
    assert run["pull_requests"] == [], "GitHub names no pull request of a fork there"
    sandbox.delete_repository(fork)
    assert town.call("GET", f"/repos/{FULL_NAME}/pulls/{number}").json()["head"]["repo"] is None


def test_a_refused_delivery_is_listed_and_redelivered_with_its_guid(town: Town, listener: Listener) -> None:
    sandbox = town.sandbox
    sandbox.settle()
    listener.status = 503
    sandbox.push(FULL_NAME, {"a": b"a"}, by="octocat")
    sandbox.settle()
    listener.status = 202
    newest = town.as_app("GET", "/app/hook/deliveries").json()
    push = next(each for each in newest if each["event"] == "push")
    assert (push["status_code"], push["redelivery"]) == (503, False)
    whole = town.as_app("GET", f"/app/hook/deliveries/{push['id']}").json()
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == push["guid"]
    assert town.as_app("POST", f"/app/hook/deliveries/{push['id']}/attempts").status_code == 202
    sandbox.settle()
    again = sandbox.deliveries("push")[-1]
    assert (again.guid, again.redelivery, again.status_code) == (push["guid"], True, 202)
    sandbox.redeliver(push["guid"])
    sandbox.settle()
    assert sum(headers["X-GitHub-Delivery"] == push["guid"] for _, headers, _ in listener.got) == 3


def test_lost_deliveries_never_leave_and_are_listed(town: Town, listener: Listener) -> None:
    town.sandbox.settle()
    with town.sandbox.webhooks_down():
        town.sandbox.push(FULL_NAME, {"a": b"a"}, by="octocat")
    town.sandbox.settle()
    assert [event for event, _, _ in listener.got] == ["installation"]
    listed = town.as_app("GET", "/app/hook/deliveries").json()
    assert [(each["event"], each["status_code"]) for each in listed][:2] == [("check_suite", 0), ("push", 0)]
    town.sandbox.advance(3 * 86_400 + 1)
    now = int(time.time()) + 3 * 86_400
    assert town.call("GET", "/app/hook/deliveries", f"Bearer {town.jwt(iat=now - 60, exp=now + 300)}").json() == []


def test_deliveries_are_paged_by_cursor(town: Town) -> None:
    for number in range(3):
        town.sandbox.push(FULL_NAME, {"a": str(number)}, by="octocat")
    town.sandbox.settle()
    seen: list[int] = []
    url = "/app/hook/deliveries?per_page=3"
    while url:
        answer = town.as_app("GET", url)
        assert len(answer.json()) <= 3
        seen += [each["id"] for each in answer.json()]
        url = answer.links.get("next", {}).get("url", "").removeprefix(town.sandbox.api_url)
    assert seen == [each.id for each in reversed(town.sandbox.deliveries())]


def test_only_what_is_subscribed_comes_and_nothing_while_suspended(
    build: Callable[..., Town], listener: Listener, sandbox: Sandbox
) -> None:
    town = build(listener.url, events=["issue_comment"], permissions={"issues": "read"}, ping=True)
    sandbox.push(FULL_NAME, {"a": b"a"}, branch="f", by="octocat")
    number = sandbox.open_pull_request(FULL_NAME, head="f", title="F", by="octocat")
    sandbox.suspend("octo-org", by="octocat")
    sandbox.comment(FULL_NAME, number, "while suspended", by="octocat")
    sandbox.unsuspend("octo-org", by="octocat")
    sandbox.comment(FULL_NAME, number, "after", by="octocat")
    assert names(sandbox) == [
        "ping",
        "installation.created",
        "installation.suspend",
        "installation.unsuspend",
        "issue_comment.created",
    ]
    assert payload(sandbox, "issue_comment")["comment"]["body"] == "after"
    assert town.installation == payload(sandbox, "issue_comment")["installation"]["id"]


def test_what_another_apps_check_says_is_told_too_and_its_buttons_are_not(town: Town) -> None:
    sandbox = town.sandbox
    check = sandbox.report_check(FULL_NAME, town.sha, name="ci")
    assert sandbox.report_check(FULL_NAME, town.sha, name="ci", conclusion="failure") == check
    sandbox.rerun_check(FULL_NAME, check, by="octocat")
    sandbox.rerun_suite(FULL_NAME, town.sha, by="octocat")
    told = ["check_run.created", "check_run.completed", "check_suite.completed"]
    assert names(sandbox)[1:] == told
    assert payload(sandbox, "check_run")["check_run"]["app"]["slug"] == "other-ci"
    for each in sandbox.deliveries():
        parse(each.event, each.body)
    listed = town.call("GET", f"/repos/{FULL_NAME}/commits/{town.sha}/check-runs").json()["check_runs"]
    assert [(each["name"], each["conclusion"]) for each in listed] == [("ci", "failure")]
