from __future__ import annotations

import asyncio
import json
import traceback

import httpx
import jwt
import pytest
import respx

from bot.errors import Gone, OurError, Outage, SettingsError
from bot.model import Repository
from infra.github import GithubkitGitHub
from tests.github.conftest import APP_ID, in_future

HEAD = httpx.Response(200, json={"object": {"sha": "abc"}})


def heads(api: respx.MockRouter) -> respx.Route:
    return api.get("/repos/octo/hello/git/ref/heads/main").mock(return_value=HEAD)


async def test_ten_calls_at_a_time_ask_for_one_token(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    route = heads(api)
    assert await asyncio.gather(*(github.branch_head(repo, "main") for _ in range(10))) == ["abc"] * 10
    assert api["tokens"].call_count == 1
    assert {call.request.headers["authorization"] for call in route.calls} == {"token ghs_1"}


async def test_a_token_is_asked_for_by_a_jwt_of_the_app(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    heads(api)
    await github.branch_head(repo, "main")
    bearer = api["tokens"].calls.last.request.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(bearer, options={"verify_signature": False})
    assert claims["iss"] == str(APP_ID)
    assert claims["exp"] - claims["iat"] <= 600


async def test_a_token_is_renewed_a_minute_before_its_end(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    heads(api)
    api["tokens"].mock(
        side_effect=[
            httpx.Response(201, json={"token": "ghs_short", "expires_at": in_future(seconds=50)}),
            httpx.Response(201, json={"token": "ghs_long", "expires_at": in_future(hours=1)}),
        ]
    )
    await github.branch_head(repo, "main")
    await github.branch_head(repo, "main")
    await github.branch_head(repo, "main")
    assert api["tokens"].call_count == 2


async def test_a_token_that_github_refuses_is_replaced_and_the_call_made_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        stale = request.headers["authorization"] == "token ghs_1"
        return httpx.Response(401, json={"message": "Bad credentials"}) if stale else HEAD

    api.get("/repos/octo/hello/git/ref/heads/main").mock(side_effect=answer)
    assert await asyncio.gather(*(github.branch_head(repo, "main") for _ in range(5))) == ["abc"] * 5
    assert api["tokens"].call_count == 2


async def test_a_second_refusal_ends_the_call_and_keeps_the_work(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    route = heads(api)
    route.mock(return_value=httpx.Response(401, json={"message": "Bad credentials"}))
    with pytest.raises(Outage) as caught:
        await github.branch_head(repo, "main")
    assert route.call_count == 2
    assert caught.value.retry_after == 60


async def test_a_permission_granted_later_counts_at_the_next_call(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    refusal = httpx.Response(403, json={"message": "Resource not accessible by integration"})
    heads(api).mock(side_effect=[refusal, HEAD])
    with pytest.raises(Gone, match="not accessible by integration"):
        await github.branch_head(repo, "main")
    assert await github.branch_head(repo, "main") == "abc"
    assert api["tokens"].call_count == 2


async def test_two_apps_in_one_process_do_not_share_tokens(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, pem: str
) -> None:
    heads(api)
    elsewhere = respx.mock(base_url="https://ghes.example/api/v3")
    with elsewhere as other:
        tokens = other.post("/app/installations/7/access_tokens").mock(
            return_value=httpx.Response(201, json={"token": "ghs_other", "expires_at": in_future(hours=1)})
        )
        route = other.get("/repos/octo/hello/git/ref/heads/main").mock(return_value=HEAD)
        second = GithubkitGitHub(str(APP_ID), pem, api_url="https://ghes.example/api/v3")
        await github.branch_head(repo, "main")
        await second.branch_head(repo, "main")
        await second.aclose()
    assert tokens.call_count == 1
    assert route.calls.last.request.headers["authorization"] == "token ghs_other"


async def test_a_sources_token_reads_that_repository_only_and_is_new_each_time(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    first, second = await github.source(repo, "a" * 40), await github.source(repo, "a" * 40)
    assert first.url == f"https://api.github.com/repos/octo/hello/tarball/{'a' * 40}"
    assert (first.token, second.token) == ("ghs_1", "ghs_2")
    body = json.loads(api["tokens"].calls.last.request.content)
    assert body == {"repository_ids": [501], "permissions": {"contents": "read"}}
    assert "ghs_1" not in repr(first)


async def test_a_permission_younger_than_githubkit_does_not_cost_the_token(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    heads(api)
    api["tokens"].mock(
        return_value=httpx.Response(
            201,
            json={
                "token": "ghs_new",
                "expires_at": in_future(hours=1),
                "permissions": {"contents": "admire", "telepathy": "write"},
                "repository_selection": "some",
            },
        )
    )
    assert await github.branch_head(repo, "main") == "abc"


async def test_warming_leaves_the_first_call_no_token_to_ask_for(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    heads(api)
    await github.warm(7)
    assert api["tokens"].call_count == 1
    await github.branch_head(repo, "main")
    assert api["tokens"].call_count == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "Not Found"), (403, "This installation has been suspended")],
    ids=["uninstalled", "suspended"],
)
async def test_an_installation_that_is_no_more_is_gone(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, status: int, message: str
) -> None:
    api["tokens"].mock(return_value=httpx.Response(status, json={"message": message}))
    with pytest.raises(Gone):
        await github.branch_head(repo, "main")


async def test_a_token_request_that_fails_at_first_is_made_again_even_for_a_create(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    good = httpx.Response(201, json={"token": "ghs_1", "expires_at": in_future(hours=1)})
    api["tokens"].mock(side_effect=[httpx.Response(502), httpx.ReadTimeout("slow"), good])
    create = api.post("/repos/octo/hello/issues/3/comments").mock(return_value=httpx.Response(201, json={"id": 5}))
    assert await github.create_comment(repo, 3, "hello") == 5
    assert (api["tokens"].call_count, create.call_count) == (3, 1)


async def test_a_key_that_cannot_sign_is_named_as_the_setting_that_it_is(repo: Repository) -> None:
    adapter = GithubkitGitHub("1", "-----BEGIN NONSENSE-----")
    with pytest.raises(SettingsError, match="WHALERAY_GITHUB_PRIVATE_KEY_FILE"):
        await adapter.branch_head(repo, "main")
    await adapter.aclose()


async def test_a_traceback_with_its_variables_shows_no_key(pem: str) -> None:
    """rich and structlog print the variables of each frame of a traceback."""
    adapter = GithubkitGitHub("1", pem)
    error: BaseException | None = None
    with respx.mock(base_url="https://api.github.com") as api:
        api.post("/app/installations/7/access_tokens").mock(return_value=httpx.Response(422, json={"message": "No"}))
        try:
            await adapter.warm(7)
        except OurError as caught:
            error = caught
    await adapter.aclose()
    shown: list[str] = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/infra/github/" in frame.f_code.co_filename:
                shown += [repr(value) for value in frame.f_locals.values()]
        error = error.__cause__
    assert any("_Auth()" in each for each in shown)
    assert not any("PRIVATE KEY" in each for each in shown)
