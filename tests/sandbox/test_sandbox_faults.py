"""What goes wrong on purpose, and the limits."""

from __future__ import annotations

import time

import httpx
import pytest

from infra.sandbox import Sandbox
from tests.sandbox.conftest import FULL_NAME, Town

CHECKS = f"/repos/{FULL_NAME}/check-runs"


def check(town: Town) -> dict[str, str]:
    return {"name": "WhaleRay", "head_sha": town.sha, "status": "queued"}


def test_a_fault_meets_what_it_matches_as_often_as_told(town: Town) -> None:
    token = f"token {town.token()}"
    fault = town.sandbox.fail("POST /repos/*/check-runs", status=502, times=2, headers={"X-Said": "so"}, body={"a": 1})
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200
    answers = [town.call("POST", CHECKS, token, json=check(town)) for _ in range(3)]
    assert [each.status_code for each in answers] == [502, 502, 201]
    assert (answers[0].headers["x-said"], answers[0].json()) == ("so", {"a": 1})
    assert fault.hits == 2
    assert len(town.sandbox.check_runs(FULL_NAME, town.sha)) == 1


def test_a_fault_can_be_named_by_template_or_function_and_lifted(town: Town) -> None:
    token = f"token {town.token()}"
    with town.sandbox.fail("GET /repos/{owner}/{repo}", status=500, times=None):
        assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 500
        assert town.call("GET", f"/repos/{FULL_NAME}/deployments", token).status_code == 200
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200
    town.sandbox.fail(lambda method, path: method == "GET" and path.endswith("/commits"), status=500)
    assert town.call("GET", f"/repos/{FULL_NAME}/commits", token).status_code == 500


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_connection_is_cut_before_or_after_the_request_counts(town: Town, when: str, made: int) -> None:
    token = f"token {town.token()}"
    town.sandbox.fail("POST /repos/*/check-runs", drop="before" if when == "before" else "after")
    with pytest.raises(httpx.RemoteProtocolError):
        town.call("POST", CHECKS, token, json=check(town))
    assert len(town.sandbox.check_runs(FULL_NAME, town.sha)) == made


def test_a_slow_answer_is_slow_and_its_own_time_is_not(town: Town) -> None:
    token = f"token {town.token()}"
    town.sandbox.fail("GET /repos/*", delay=0.3)
    began = time.monotonic()
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200
    assert time.monotonic() - began >= 0.3
    assert town.sandbox.requests[-1].seconds < 0.3


def test_requests_are_counted_by_template_with_their_time(town: Town) -> None:
    began = time.time()
    town.call("GET", f"/repos/{FULL_NAME}/git/ref/heads/main")
    town.call("GET", f"/repos/{FULL_NAME}/git/ref/heads/gone")
    seen = [(each.method, each.template, each.status) for each in town.sandbox.requests if "/git/" in each.path]
    assert seen == [("GET", "/repos/{owner}/{repo}/git/ref/{ref}", status) for status in (200, 404)]
    assert all(each.seconds > 0 and each.at >= began - 1 for each in town.sandbox.requests)


def test_the_primary_limit_counts_down_and_ends(town: Town) -> None:
    token = f"token {town.token()}"
    first = town.call("GET", f"/repos/{FULL_NAME}", token)
    second = town.call("GET", f"/repos/{FULL_NAME}", token)
    left = [int(each.headers["x-ratelimit-remaining"]) for each in (first, second)]
    assert left == [4999, 4998]
    assert int(first.headers["x-ratelimit-reset"]) > time.time() + 3500
    town.sandbox.primary_limit(2)
    refused = town.call("GET", f"/repos/{FULL_NAME}", token)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert "API rate limit exceeded" in refused.json()["message"]
    town.sandbox.advance(3601)
    again = f"token {_later(town)}"
    assert town.call("GET", f"/repos/{FULL_NAME}", again).status_code == 200


def _later(town: Town) -> str:
    now = int(town.sandbox.world.now())
    path = f"/app/installations/{town.installation}/access_tokens"
    answer = town.call("POST", path, f"Bearer {town.jwt(iat=now - 60, exp=now + 300)}")
    return str(answer.json()["token"])


def test_what_has_not_changed_is_304_and_free(town: Town) -> None:
    token = f"token {town.token()}"
    first = town.call("GET", f"/repos/{FULL_NAME}/deployments", token)
    again = town.call("GET", f"/repos/{FULL_NAME}/deployments", token, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    body = {"ref": "main", "required_contexts": []}
    town.call("POST", f"/repos/{FULL_NAME}/deployments", token, json=body)
    etag = {"If-None-Match": first.headers["etag"]}
    assert town.call("GET", f"/repos/{FULL_NAME}/deployments", token, headers=etag).status_code == 200


def test_the_secondary_limit_holds_back_content_for_a_while(town: Town) -> None:
    token = f"token {town.token()}"
    town.sandbox.secondary_limit(2)
    answers = [town.call("POST", CHECKS, token, json=check(town)) for _ in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 403]
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert "secondary rate limit" in answers[2].json()["message"]
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200
    town.sandbox.advance(61)
    assert town.call("POST", CHECKS, token, json=check(town)).status_code == 201
    assert not town.sandbox.violations


def test_it_is_gone_while_stopped_and_back_with_all_it_held(town: Town) -> None:
    token = f"token {town.token()}"
    town.sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        town.call("GET", f"/repos/{FULL_NAME}", token)
    town.sandbox.start()
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200


def test_a_fault_of_the_sandbox_itself_is_no_silent_500(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(type(town.sandbox.rest.limits), "count", broken)
    assert town.as_app("GET", "/app").status_code == 500
    assert "out of order" in str(town.sandbox.violations[0])


def test_two_sandboxes_stand_side_by_side(town: Town, sandbox: Sandbox) -> None:
    with Sandbox(town.sandbox.directory.parent / "other") as other:
        assert other.url != sandbox.url
        assert not other.world.repositories
