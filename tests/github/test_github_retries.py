from __future__ import annotations

import asyncio
import json
import time
from typing import NamedTuple

import httpx
import pytest
import respx

from bot.errors import Gone, OurError, Outage
from bot.model import Repository
from infra.github import GithubkitGitHub, client
from tests.github.conftest import API, in_future

HEAD = httpx.Response(200, json={"object": {"sha": "abc"}})
MAIN = "/repos/octo/hello/git/ref/heads/main"


@pytest.mark.parametrize(
    "failure",
    [httpx.Response(502), httpx.Response(500), httpx.ConnectError("refused"), httpx.RemoteProtocolError("dropped")],
    ids=["502", "500", "refused", "dropped"],
)
async def test_a_read_is_tried_three_times_in_all_with_a_growing_jittered_pause(
    github: GithubkitGitHub,
    api: respx.MockRouter,
    repo: Repository,
    pauses: list[float],
    failure: httpx.Response | httpx.HTTPError,
) -> None:
    route = api.get(MAIN).mock(side_effect=[failure, failure, HEAD])
    assert await github.branch_head(repo, "main") == "abc"
    assert route.call_count == 3
    assert 0.1 <= pauses[0] <= 0.4
    assert 0.2 <= pauses[1] <= 0.8


async def test_after_the_third_failure_the_work_is_put_back(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    route = api.get(MAIN).mock(return_value=httpx.Response(503))
    with pytest.raises(Outage, match="503"):
        await github.branch_head(repo, "main")
    assert route.call_count == 3


async def test_nothing_is_tried_again_once_the_calls_time_is_up(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BUDGET_S", 0.05)
    route = api.get(MAIN).mock(return_value=httpx.Response(502))
    with pytest.raises(Outage):
        await github.branch_head(repo, "main")
    assert route.call_count == 1


async def test_an_answer_that_never_ends_is_given_up_after_the_time_out(
    api: respx.MockRouter, repo: Repository, pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETRIES", 0)

    async def never(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return HEAD

    api.get(MAIN).mock(side_effect=never)
    adapter = GithubkitGitHub("1", pem, timeout_s=0.2)
    with pytest.raises(Outage, match="in time"):
        await adapter.branch_head(repo, "main")
    await adapter.aclose()


class Limit(NamedTuple):
    status: int
    headers: dict[str, str]
    message: str
    seconds: int


@pytest.mark.parametrize(
    "limit",
    [
        Limit(403, {"retry-after": "37"}, "You have exceeded a secondary rate limit.", 37),
        Limit(429, {"retry-after": "5"}, "Too many requests", 5),
        Limit(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "in 90"}, "API rate limit exceeded", 90),
        Limit(403, {}, "You have exceeded a secondary rate limit.", 60),
        Limit(429, {}, "Slow down", 60),
        Limit(429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "Too many requests", 60),
    ],
    ids=["secondary", "429", "primary", "secondary unnamed", "429 unnamed", "a date"],
)
async def test_a_rate_limit_is_raised_at_once_with_the_seconds_to_stay_away(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, pauses: list[float], limit: Limit
) -> None:
    headers = dict(limit.headers)
    if "x-ratelimit-reset" in headers:
        headers["x-ratelimit-reset"] = str(int(time.time()) + 90)
    answer = httpx.Response(limit.status, headers=headers, json={"message": limit.message})
    route = api.get(MAIN).mock(return_value=answer)
    with pytest.raises(Outage) as caught:
        await github.branch_head(repo, "main")
    assert caught.value.retry_after == pytest.approx(limit.seconds, abs=3)
    assert route.call_count == 1
    assert pauses == []


async def test_until_a_rate_limit_ends_its_installation_asks_nothing_and_others_go_on(
    api: respx.MockRouter, repo: Repository, pem: str
) -> None:
    now = [1_790_000_000.0]
    github = GithubkitGitHub("1", pem, clock=lambda: now[0])
    other = api.post("/app/installations/8/access_tokens")
    other.mock(return_value=httpx.Response(201, json={"token": "ghs_8", "expires_at": in_future(hours=1)}))
    route = api.get(MAIN).mock(side_effect=[httpx.Response(403, headers={"retry-after": "30"}), HEAD, HEAD])
    with pytest.raises(Outage):
        await github.branch_head(repo, "main")
    now[0] += 10
    with pytest.raises(Outage) as caught:
        await github.branch_head(repo, "main")
    assert caught.value.retry_after == 20
    assert await github.branch_head(repo.model_copy(update={"installation_id": 8}), "main") == "abc"
    assert route.call_count == 2
    now[0] += 21
    assert await github.branch_head(repo, "main") == "abc"
    assert api["tokens"].call_count == 1, "the token was not at fault"
    await github.aclose()


@pytest.mark.parametrize("status", [404, 410, 451, 403])
async def test_what_is_no_longer_there_or_allowed_is_gone_and_not_tried_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, status: int
) -> None:
    route = api.patch("/repos/octo/hello/issues/comments/4").mock(
        return_value=httpx.Response(status, json={"message": "No"})
    )
    with pytest.raises(Gone):
        await github.update_comment(repo, 4, "x")
    assert route.call_count == 1


async def test_what_github_refuses_is_our_error_in_githubs_words(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    refusal = {"message": "Validation Failed", "errors": [{"resource": "IssueComment", "field": "body", "code": "big"}]}
    api.post("/repos/octo/hello/issues/3/comments").mock(return_value=httpx.Response(422, json=refusal))
    with pytest.raises(OurError, match="Validation Failed IssueComment body big"):
        await github.create_comment(repo, 3, "x")


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>Sign in to the guest network</html>"),
        httpx.Response(200, json={"object": None}),
    ],
    ids=["a proxy's page", "another shape"],
)
async def test_an_answer_that_cannot_be_read_puts_the_work_back(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, response: httpx.Response
) -> None:
    api.get(MAIN).mock(return_value=response)
    with pytest.raises(Outage, match="could not be read"):
        await github.branch_head(repo, "main")


async def test_tasks_share_one_connection_that_is_kept_open(repo: Repository, pem: str) -> None:
    """Over real sockets: githubkit by itself connects anew for each task."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().split("\r\n")
            length = next((int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length")), 0)
            await reader.readexactly(length)
            token = json.dumps({"token": "ghs_1", "expires_at": in_future(hours=1)})
            body = (token if head.startswith(b"POST") else '{"object":{"sha":"abc"}}').encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    adapter = GithubkitGitHub("1", pem, api_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for _ in range(5):
        assert await asyncio.create_task(adapter.branch_head(repo, "main")) == "abc"
    await adapter.aclose()
    server.close()
    assert connections == 1


async def test_a_renamed_repository_is_followed(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    api.get(MAIN).mock(
        return_value=httpx.Response(301, headers={"location": f"{API}/repositories/501/git/ref/heads/main"})
    )
    api.get("/repositories/501/git/ref/heads/main").mock(return_value=HEAD)
    assert await github.branch_head(repo, "main") == "abc"


async def test_a_write_to_a_renamed_repository_is_followed_with_its_body(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    location = {"location": f"{API}/repositories/501/issues/3/comments"}
    old = api.post("/repos/octo/hello/issues/3/comments").mock(return_value=httpx.Response(307, headers=location))
    new = api.post("/repositories/501/issues/3/comments").mock(return_value=httpx.Response(201, json={"id": 5}))
    assert await github.create_comment(repo, 3, "Hi") == 5
    assert json.loads(new.calls.last.request.content) == {"body": "Hi"}

    old.mock(return_value=httpx.Response(301, headers=location))
    api.get("/repositories/501/issues/3/comments").mock(return_value=httpx.Response(200, json={"id": 6}))
    with pytest.raises(Outage, match="redirects"):
        await github.create_comment(repo, 3, "Hi")


async def test_a_call_that_is_cancelled_while_it_asks_for_a_token_blocks_nobody(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    asked = asyncio.Event()

    async def never(request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        return HEAD

    good = httpx.Response(201, json={"token": "ghs_1", "expires_at": in_future(hours=1)})
    api.get(MAIN).mock(return_value=HEAD)
    api["tokens"].mock(side_effect=never)
    call = asyncio.create_task(github.branch_head(repo, "main"))
    await asked.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    api["tokens"].mock(side_effect=[good])
    async with asyncio.timeout(5):
        assert await github.branch_head(repo, "main") == "abc"
