"""A client that is not who it says, or may not do what it asks, is refused as GitHub refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.sandbox import App, Sandbox
from tests.sandbox.conftest import FULL_NAME, Town

CHECK = {"name": "WhaleRay", "status": "queued"}


def at(seconds: float) -> int:
    return int(time.time() + seconds)


@pytest.mark.parametrize(
    ("claims", "status", "words"),
    [
        ({"exp": 3600}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"exp": -10}, 401, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"exp": None}, 401, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"iat": 120}, 401, "'Issued at' claim ('iat') must be an Integer"),
        ({"iat": None}, 401, "'Issued at' claim ('iat') must be an Integer"),
        ({"iss": None}, 401, "'Issuer' claim"),
        ({"iss": "424242"}, 404, "Integration not found"),
    ],
)
def test_a_wrong_jwt_is_refused(town: Town, claims: dict[str, Any], status: int, words: str) -> None:
    """Numbers are seconds from when the test runs, which may be long after it was collected."""
    meant: dict[str, Any] = {name: at(value) if isinstance(value, int) else value for name, value in claims.items()}
    answer = town.call("GET", "/app", f"Bearer {town.jwt(**meant)}")
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_a_jwt_of_another_key_or_algorithm_is_refused(town: Town) -> None:
    other = rsa.generate_private_key(65537, 2048)
    claims = {"iat": at(-60), "exp": at(300), "iss": str(town.app.app_id)}
    for encoded in (jwt.encode(claims, other, "RS256"), jwt.encode(claims, "x" * 40, "HS256"), "a.b.c"):
        answer = town.call("GET", "/app", f"Bearer {encoded}")
        assert (answer.status_code, answer.json()["message"]) == (401, "A JSON web token could not be decoded")


def test_the_client_id_is_an_issuer_too(town: Town) -> None:
    assert town.call("GET", "/app", f"Bearer {town.jwt(iss=town.app.client_id)}").json()["slug"] == "whaleray"


def test_each_kind_of_endpoint_wants_its_own_kind_of_caller(town: Town) -> None:
    as_app = f"Bearer {town.jwt()}"
    assert town.call("GET", "/app", "").status_code == 401
    assert town.call("GET", "/app").status_code == 401  # an installation's token
    assert town.call("GET", f"/repos/{FULL_NAME}", as_app).status_code == 401
    assert town.call("GET", "/installation/repositories", as_app).status_code == 401
    assert town.call("GET", "/installation/repositories", "").status_code == 401
    assert town.call("GET", f"/repos/{FULL_NAME}", "token ghs_never_given").status_code == 401


def test_a_private_repository_is_not_there_for_strangers(town: Town) -> None:
    assert town.call("GET", f"/repos/{FULL_NAME}", "").status_code == 404
    town.sandbox.make_public(FULL_NAME)
    assert town.call("GET", f"/repos/{FULL_NAME}", "").status_code == 200


def test_a_token_of_another_installation_reaches_nothing_here(town: Town) -> None:
    town.sandbox.create_repository("mona", "other", files={"a": b""})
    other = town.sandbox.install("mona", ["mona/other"])
    token = town.as_app("POST", f"/app/installations/{other}/access_tokens").json()["token"]
    assert town.call("GET", f"/repos/{FULL_NAME}", f"token {token}").status_code == 404
    town.sandbox.make_public(FULL_NAME)
    assert town.call("GET", f"/repos/{FULL_NAME}", f"token {token}").status_code == 200
    answer = town.call("POST", f"/repos/{FULL_NAME}/check-runs", f"token {token}", json=CHECK | {"head_sha": town.sha})
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")


def test_a_foreign_app_may_not_mint_nor_change_what_is_not_its_own(town: Town) -> None:
    foreign = town.sandbox.create_app(webhook_url="http://127.0.0.1:9/", name="Foreign", owner="mona")
    minted = town.call(
        "POST", f"/app/installations/{town.installation}/access_tokens", f"Bearer {_jwt_of(town, foreign)}"
    )
    assert minted.status_code == 404
    made = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=CHECK | {"head_sha": town.sha}).json()
    theirs = town.sandbox.install("octo-org", [FULL_NAME], by="octocat", app=foreign)
    path = f"/app/installations/{theirs}/access_tokens"
    token = town.call("POST", path, f"Bearer {_jwt_of(town, foreign)}").json()["token"]
    body = {"status": "in_progress"}
    changed = town.call("PATCH", f"/repos/{FULL_NAME}/check-runs/{made['id']}", f"token {token}", json=body)
    assert changed.status_code == 403
    assert "Invalid app_id" in changed.json()["message"]


def _jwt_of(town: Town, app: App) -> str:
    claims = {"iat": at(-60), "exp": at(300), "iss": str(app.app_id)}
    return jwt.encode(claims, app.private_key_pem, "RS256")


def test_a_token_reaches_the_repositories_and_permissions_it_was_minted_for(town: Town) -> None:
    sandbox = town.sandbox
    second = sandbox.create_repository("octo-org", "second", files={"a": b""}, private=True)
    sandbox.install("octo-org", ["octo-org/second"], by="octocat")
    token = f"token {town.token(repository_ids=[second.id], permissions={'contents': 'read'})}"
    assert town.call("GET", "/repos/octo-org/second", token).status_code == 200
    assert town.call("GET", "/repos/octo-org/second/commits/main", token).status_code == 200
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 404
    assert town.call("GET", "/repos/octo-org/second/deployments", token).status_code == 403
    listed = town.call("GET", "/installation/repositories", token).json()
    assert [each["full_name"] for each in listed["repositories"]] == ["octo-org/second"]


@pytest.mark.parametrize(
    "scope", [{"permissions": {"contents": "write"}}, {"permissions": {"secrets": "read"}}, {"repository_ids": [4242]}]
)
def test_more_than_the_installation_has_is_not_minted(town: Town, scope: dict[str, Any]) -> None:
    answer = town.as_app("POST", f"/app/installations/{town.installation}/access_tokens", json=scope)
    assert answer.status_code == 422


def test_a_permission_that_is_missing_is_refused_and_named(build: Callable[..., Town], sandbox: Sandbox) -> None:
    with sandbox.webhooks_down():
        town = build(permissions={"contents": "read", "pull_requests": "write"}, events=["push"])
    answer = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=CHECK | {"head_sha": town.sha})
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")
    assert answer.headers["x-accepted-github-permissions"] == "checks=write"


def test_a_permission_taken_away_counts_for_tokens_there_are(town: Town) -> None:
    token = f"token {town.token()}"
    body = CHECK | {"head_sha": town.sha}
    assert town.call("POST", f"/repos/{FULL_NAME}/check-runs", token, json=body).status_code == 201
    town.sandbox.set_permissions("octo-org", {"contents": "read"}, by="octocat")
    assert town.call("POST", f"/repos/{FULL_NAME}/check-runs", token, json=body).status_code == 403


def test_a_comment_on_a_pull_request_needs_the_permission_for_pull_requests(town: Town) -> None:
    town.sandbox.push(FULL_NAME, {"a": b"a"}, branch="f")
    number = town.sandbox.open_pull_request(FULL_NAME, head="f", title="F", by="octocat")
    path = f"/repos/{FULL_NAME}/issues/{number}/comments"
    few = f"token {town.token(permissions={'issues': 'write'})}"
    assert town.call("POST", path, few, json={"body": "x"}).status_code == 403
    assert town.call("POST", path, json={"body": "x"}).status_code == 201


def test_suspended_and_uninstalled_are_told_apart(town: Town) -> None:
    token, mint = f"token {town.token()}", f"/app/installations/{town.installation}/access_tokens"
    town.sandbox.suspend("octo-org", by="octocat")
    answers = [town.as_app("POST", mint), town.call("GET", f"/repos/{FULL_NAME}", token)]
    assert [each.status_code for each in answers] == [403, 403]
    assert all(each.json()["message"] == "This installation has been suspended" for each in answers)
    town.sandbox.unsuspend("octo-org", by="octocat")
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200
    town.sandbox.uninstall("octo-org", by="octocat")
    assert town.as_app("POST", mint).status_code == 404
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 401


def test_a_token_ends_after_an_hour(town: Town) -> None:
    token = f"token {town.token()}"
    town.sandbox.advance(3599)
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 200
    town.sandbox.advance(2)
    assert town.call("GET", f"/repos/{FULL_NAME}", token).status_code == 401


def test_what_a_person_may_is_told_in_githubs_words(town: Town) -> None:
    def told(login: str) -> tuple[int, str | None, str | None]:
        answer = town.call("GET", f"/repos/{FULL_NAME}/collaborators/{login}/permission")
        said = answer.json()
        return answer.status_code, said.get("permission"), said.get("role_name")

    assert told("octocat") == (200, "admin", "admin")
    assert told("mona") == (200, "none", "none")
    town.sandbox.grant(FULL_NAME, "mona", "maintain")
    assert told("mona") == (200, "write", "maintain")
    town.sandbox.grant(FULL_NAME, "mona", "triage")
    assert told("MONA") == (200, "read", "triage")
    town.sandbox.revoke(FULL_NAME, "mona")
    town.sandbox.make_public(FULL_NAME)
    assert told("mona") == (200, "read", "read")
    assert told("nobody")[0] == 404


def test_an_archived_repository_is_read_only(town: Town) -> None:
    town.sandbox.archive_repository(FULL_NAME)
    assert town.call("GET", f"/repos/{FULL_NAME}").json()["archived"] is True
    answer = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=CHECK | {"head_sha": town.sha})
    assert (answer.status_code, answer.json()["message"]) == (403, "Repository was archived so is read-only.")


def test_the_tarball_wants_the_token_and_its_link_is_for_that_commit_only(town: Town) -> None:
    path = f"/repos/{FULL_NAME}/tarball/{town.sha}"
    assert town.call("GET", path, "").status_code == 404
    no_contents = f"token {town.token(permissions={'checks': 'write'})}"
    assert town.call("GET", path, no_contents).status_code == 403
    place = town.call("GET", path).headers["location"]
    assert httpx.get(place, trust_env=False).headers["content-type"] == "application/x-gzip"
    assert httpx.get(place.partition("?")[0], trust_env=False).status_code == 404
