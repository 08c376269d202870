"""Signing in for an App, and making one of a manifest."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from bot.setup import Credentials, manifest
from infra.github import GithubkitGitHub
from infra.github.signin import GithubSignIn
from tests.sandbox.conftest import FULL_NAME, Town
from tests.support.openapi import github

BOT = "http://127.0.0.1:9"
CALLBACK = f"{BOT}/signin/callback"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def browser(town: Town) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=town.sandbox.url, trust_env=False, headers={"Origin": town.sandbox.url}) as client:
        yield client


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def sign_in(browser: httpx.Client, town: Town, **changed: str) -> dict[str, str]:
    """What comes back to the App, by a person who clicks through."""
    asked = {"client_id": town.app.client_id, "redirect_uri": CALLBACK, "state": "s&=1"}
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    page = browser.get("/login/oauth/authorize", params={**asked, **pkce, **changed})
    assert page.status_code == 200
    form = {name: value.replace("&amp;", "&") for name, value in hidden(page.text).items()}
    answer = browser.post("/login/oauth/authorize", data=form | {"login": "mona"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def adapter(town: Town) -> GithubSignIn:
    return GithubSignIn(
        town.app.client_id,
        town.app.client_secret,
        town.sandbox.api_url,
        lambda: httpx.AsyncClient(timeout=8, trust_env=False),
    )


async def test_the_adapter_learns_who_it_is_and_keeps_no_token(town: Town, browser: httpx.Client) -> None:
    town.sandbox.checks.append(github().request)
    url = adapter(town).authorize_url("s&=1", CHALLENGE, CALLBACK)
    assert url.startswith(town.sandbox.url)
    back = sign_in(browser, town)
    assert back["state"] == "s&=1"
    assert await adapter(town).who(back["code"], VERIFIER, CALLBACK) == "mona"
    assert not town.sandbox.world.user_tokens, "the token was revoked"
    assert not town.sandbox.violations


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, None),
        ({"code_verifier": "w" * 50}, "bad_verification_code"),
        ({"code_verifier": ""}, "bad_verification_code"),
        ({"code": "0" * 20}, "bad_verification_code"),
        ({"redirect_uri": f"{CALLBACK}/other"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"client_id": "Iv23nobody"}, "incorrect_client_credentials"),
    ],
)
def test_a_code_is_good_for_whom_it_was_made(
    town: Town, browser: httpx.Client, changed: dict[str, str], error: str | None
) -> None:
    assert exchange(browser, town, sign_in(browser, town)["code"], **changed).get("error") == error


def test_a_code_is_good_once_and_for_ten_minutes(town: Town, browser: httpx.Client) -> None:
    first, second = sign_in(browser, town)["code"], sign_in(browser, town)["code"]
    assert exchange(browser, town, first)["access_token"].startswith("ghu_")
    assert exchange(browser, town, first)["error"] == "bad_verification_code"
    town.sandbox.advance(601)
    assert exchange(browser, town, second)["error"] == "bad_verification_code"


def exchange(browser: httpx.Client, town: Town, given: str, **changed: str) -> dict[str, str]:
    form = {
        "client_id": town.app.client_id,
        "client_secret": town.app.client_secret,
        "code": given,
        "code_verifier": VERIFIER,
        "redirect_uri": CALLBACK,
        **changed,
    }
    answer = browser.post("/login/oauth/access_token", data=form, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "Iv23nobody"},
        {"redirect_uri": "http://evil.example/signin/callback"},
        {"redirect_uri": f"{BOT}/elsewhere"},
        {"redirect_uri": f"{CALLBACK}/../../elsewhere"},
        {"redirect_uri": f"{CALLBACK}evil"},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_person_is_led_nowhere_that_is_not_registered(
    town: Town, browser: httpx.Client, changed: dict[str, str]
) -> None:
    asked = {"client_id": town.app.client_id, "redirect_uri": CALLBACK, "code_challenge": CHALLENGE}
    asked |= {"code_challenge_method": "S256"} | changed
    assert browser.get("/login/oauth/authorize", params=asked).status_code == 404
    assert browser.post("/login/oauth/authorize", data=asked | {"login": "mona"}).status_code == 404
    assert not town.sandbox.world.grants


def test_whoever_declines_is_led_back_without_a_code(town: Town, browser: httpx.Client) -> None:
    asked = {"client_id": town.app.client_id, "redirect_uri": CALLBACK, "state": "x", "cancel": "1"}
    back = browser.post("/login/oauth/authorize", data=asked).headers["location"]
    assert dict(parse_qsl(urlsplit(back).query))["error"] == "access_denied"
    assert "code=" not in back


def test_another_site_cannot_sign_somebody_in(town: Town) -> None:
    asked = {"client_id": town.app.client_id, "redirect_uri": CALLBACK, "login": "mona"}
    headers = {"Origin": BOT}
    answer = httpx.post(f"{town.sandbox.url}/login/oauth/authorize", data=asked, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert not town.sandbox.world.grants


def test_a_persons_token_says_who_they_are_and_writes_nothing(town: Town, browser: httpx.Client) -> None:
    form = {"client_id": town.app.client_id, "client_secret": town.app.client_secret, "code_verifier": VERIFIER}
    code = sign_in(browser, town)["code"]
    answer = browser.post("/login/oauth/access_token", data=form | {"code": code})
    token = dict(parse_qsl(answer.text))["access_token"]
    said = town.call("GET", "/user", f"Bearer {token}")
    assert said.json()["login"] == "mona"
    assert not github().answer("GET", "/user", 200, said.json())
    assert town.call("GET", f"/repos/{FULL_NAME}", f"Bearer {token}").status_code == 404
    town.sandbox.grant(FULL_NAME, "mona", "admin")
    body = {"name": "WhaleRay", "head_sha": town.sha, "status": "queued"}
    assert town.call("POST", f"/repos/{FULL_NAME}/check-runs", f"Bearer {token}", json=body).status_code == 403
    town.sandbox.advance(8 * 3600 + 1)
    assert town.call("GET", "/user", f"Bearer {token}").status_code == 401


def make(
    browser: httpx.Client, described: dict[str, Any], path: str = "/settings/apps/new?state=abc"
) -> httpx.Response:
    """The bot's own page posts the manifest, so it comes from another origin."""
    return browser.post(path, data={"manifest": json.dumps(described)}, headers={"Origin": BOT})


def test_a_manifest_becomes_an_app_that_works(town: Town, browser: httpx.Client) -> None:
    described = manifest(BOT) | {"name": 'Whale "Ray" <b>'}
    page = make(browser, described)
    assert page.status_code == 200
    assert f"form-action 'self' {BOT};" in page.headers["content-security-policy"]
    assert len(town.sandbox.world.apps) == 1, "nothing is made before the person says so"
    form = {"manifest": json.dumps(described), "name": "Whale Two", "state": "abc", "owner": ""}
    back = browser.post("/settings/apps", data=form).headers["location"]
    assert back.startswith(f"{BOT}/setup/callback?")
    query = dict(parse_qsl(urlsplit(back).query))
    assert query["state"] == "abc"
    answer = town.call("POST", f"/app-manifests/{query['code']}/conversions", "")
    assert answer.status_code == 201
    assert not github().answer("POST", "/app-manifests/{code}/conversions", 201, answer.json())
    made = Credentials.model_validate(answer.json())
    assert made.slug == "whale-two"
    again = town.call("POST", f"/app-manifests/{query['code']}/conversions", "")
    assert again.status_code == 404, "the code is good once"
    assert asyncio.run(ping(GithubkitGitHub(str(made.id), made.pem, api_url=town.sandbox.api_url))) == "whale-two"
    install = urlsplit(made.install_url).path
    assert "Whale Two" in browser.get(install).text
    posted = browser.post("/apps/whale-two/installations", data={"repository": FULL_NAME})
    assert posted.headers["location"] == f"/{FULL_NAME}"
    assert len(town.sandbox.world.installations) == 2


async def ping(adapter: GithubkitGitHub) -> str:
    try:
        return await adapter.ping()
    finally:
        await adapter.aclose()


def test_a_manifests_code_ends_after_an_hour(town: Town) -> None:
    owner = town.sandbox.world.user("octocat")
    code = town.sandbox.register_by_manifest(manifest(BOT) | {"name": "Other"}, owner)
    town.sandbox.advance(3601)
    assert town.call("POST", f"/app-manifests/{code}/conversions", "").status_code == 404


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"name": "x" * 35}, "34"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"redirect_url": "javascript:alert(1)"}, "redirect_url"),
        ({"hook_attributes": {"url": "nowhere"}}, "hook_attributes"),
        ({"default_permissions": {"checks": "all"}}, "default_permissions"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_reason(
    town: Town, browser: httpx.Client, changed: dict[str, Any], word: str
) -> None:
    answer = make(browser, manifest(BOT) | changed)
    assert answer.status_code == 422
    assert word in answer.text
    assert make(browser, {}, "/organizations/nobody/settings/apps/new").status_code == 422
    assert make(browser, manifest(BOT), "/organizations/nobody/settings/apps/new").status_code == 404
    assert len(town.sandbox.world.apps) == 1
