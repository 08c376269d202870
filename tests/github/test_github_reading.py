from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
import respx

from bot.errors import Gone, Outage, SettingsError, UserError
from bot.model import Installation, Repository
from bot.ports import Commit, GitHub, TreeEntry
from infra.github import GithubkitGitHub
from infra.github.bodies import iso
from tests.github.conftest import APP_ID

SHA = "a" * 40


def answered(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def test_the_adapter_is_the_port(github: GithubkitGitHub) -> None:
    port: GitHub = github
    assert port is github


# --- paths


@pytest.mark.parametrize(
    ("branch", "segment"),
    [
        ("main", "main"),
        ("feature/käse", "feature%2Fk%C3%A4se"),
        ("fix#12?x=1&y", "fix%2312%3Fx%3D1%26y"),
        ("100%41", "100%2541"),
        ("..", "%2E%2E"),
        ("../../user", "..%2F..%2Fuser"),
    ],
)
async def test_any_branch_name_stays_one_segment_of_the_path(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, branch: str, segment: str
) -> None:
    route = api.get(url__regex=r".*/repos/.*").mock(return_value=answered({"object": {"sha": SHA}}))
    assert await github.branch_head(repo, branch) == SHA
    assert route.calls.last.request.url.raw_path.decode() == f"/repos/octo/hello/git/ref/heads/{segment}"


async def test_a_commit_is_asked_for_by_any_name_and_without_its_diff(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    route = api.get(url__regex=r".*/commits/.*").mock(
        return_value=answered({"sha": SHA, "commit": {"message": "Fix it\n\nAt last"}})
    )
    assert await github.commit(repo, "feature/x") == Commit(sha=SHA, message="Fix it\n\nAt last")
    assert route.calls.last.request.url.raw_path == b"/repos/octo/hello/commits/feature%2Fx?per_page=1"


# --- what is not there


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Not Found"),
        (409, "Git Repository is empty."),
        (422, "No commit found for SHA: zzz"),
    ],
)
async def test_what_is_not_there_is_none(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, status: int, message: str
) -> None:
    api.get(url__regex=r".*/(repos|users)/.*").mock(return_value=answered({"message": message}, status))
    assert await github.branch_head(repo, "x") is None
    assert await github.commit(repo, "zzz") is None
    assert await github.pull_request(repo, 1) is None
    assert await github.user_id(7, "ghost") is None
    assert await github.find_check_run(repo, "zzz", "d1") is None
    assert await github.find_comment(repo, 1, "<!-- m -->") is None
    assert await github.find_deployment(repo, "zzz", "d1") is None
    assert await github.can_write(repo, "ghost") is False


async def test_a_name_of_nothing_asks_nothing(github: GithubkitGitHub, api: respx.MockRouter, repo: Repository) -> None:
    assert await github.branch_head(repo, "") is None
    assert await github.commit(repo, "") is None
    assert api.calls.call_count == 0


async def test_a_tree_or_file_that_is_not_there_is_gone(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    api.get(url__regex=r".*/git/.*").mock(return_value=answered({"message": "Not Found"}, 404))
    with pytest.raises(Gone):
        await github.tree(repo, SHA)
    with pytest.raises(Gone):
        await github.file(repo, SHA)


# --- repositories and people


def repository(number: int, name: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "owner": {"login": "octo", "id": 1},
        "default_branch": "trunk",
        "private": True,
        "html_url": f"https://github.com/octo/{name}",
    }


async def test_a_repository_is_found_by_id_under_its_present_name(
    github: GithubkitGitHub, api: respx.MockRouter
) -> None:
    api.get("/repositories/501").mock(return_value=answered(repository(501, "renamed")))
    assert await github.repository(7, 501) == Repository(
        id=501,
        owner="octo",
        name="renamed",
        installation_id=7,
        default_branch="trunk",
        private=True,
        html_url="https://github.com/octo/renamed",
    )


async def test_without_the_route_by_id_the_installations_listing_decides(
    github: GithubkitGitHub, api: respx.MockRouter
) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("page") == "2":
            return answered({"total_count": 2, "repositories": [repository(501, "hello")]})
        link = f'<{request.url.copy_merge_params({"page": "2"})}>; rel="next"'
        return answered({"total_count": 2, "repositories": [repository(500, "other")]}, link=link)

    api.get(url__regex=r".*/repositories/\d+").mock(return_value=answered({"message": "Not Found"}, 404))
    api.get("/installation/repositories").mock(side_effect=page)
    found = await github.repository(7, 501)
    assert found is not None
    assert found.name == "hello"
    assert await github.repository(7, 999) is None
    assert [each.id for each in await github.repositories(7)] == [500, 501]


@pytest.mark.parametrize(
    ("permission", "may"), [("admin", True), ("maintain", True), ("write", True), ("read", False), ("none", False)]
)
async def test_who_may_write_is_asked_each_time(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, permission: str, may: bool
) -> None:
    route = api.get("/repos/octo/hello/collaborators/mona/permission").mock(
        return_value=answered({"permission": permission, "role_name": "custom"})
    )
    assert [await github.can_write(repo, "mona"), await github.can_write(repo, "mona")] == [may, may]
    assert route.call_count == 2


async def test_a_users_id(github: GithubkitGitHub, api: respx.MockRouter) -> None:
    route = api.get(url__regex=r".*/users/.*").mock(return_value=answered({"id": 42, "login": "a[bot]"}))
    assert await github.user_id(7, "a[bot]") == 42
    assert route.calls.last.request.url.raw_path == b"/users/a%5Bbot%5D"


# --- trees, files, pull requests


async def test_a_tree_is_one_recursive_call(github: GithubkitGitHub, api: respx.MockRouter, repo: Repository) -> None:
    entries = [
        {"path": "mvnw", "mode": "100755", "type": "blob", "sha": "b1", "size": 10},
        {"path": "src", "mode": "040000", "type": "tree", "sha": "t1"},
    ]
    route = api.get(f"/repos/octo/hello/git/trees/{SHA}").mock(
        return_value=answered({"sha": SHA, "tree": entries, "truncated": True})
    )
    tree = await github.tree(repo, SHA)
    assert tree.truncated
    assert tree.entries == (
        TreeEntry(path="mvnw", sha="b1", mode="100755", size=10),
        TreeEntry(path="src", sha="t1", mode="040000", size=0),
    )
    assert [call.request.url.params["recursive"] for call in route.calls] == ["1"]


@pytest.mark.parametrize("content", [b"", b"<project/>\r\n", bytes(range(256)) * 4000], ids=["empty", "small", "large"])
async def test_a_file_is_its_bytes(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, content: bytes
) -> None:
    body = {"content": base64.encodebytes(content).decode(), "encoding": "base64", "size": len(content)}
    api.get("/repos/octo/hello/git/blobs/b1").mock(return_value=answered(body))
    assert await github.file(repo, "b1") == content


async def test_a_file_that_is_too_large_is_refused_before_all_of_it_is_read(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    given = 0

    async def forever() -> Any:
        nonlocal given
        while given < 100:
            given += 1
            yield b"A" * 100_000

    api.get("/repos/octo/hello/git/blobs/b1").mock(return_value=httpx.Response(200, content=forever()))
    with pytest.raises(UserError, match="larger than 1024 KiB"):
        await github.file(repo, "b1")
    assert given < 20


async def test_a_file_just_over_the_limit_is_refused_too(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    body = {"content": base64.b64encode(bytes(1024 * 1024 + 1)).decode(), "encoding": "base64"}
    api.get("/repos/octo/hello/git/blobs/b1").mock(return_value=answered(body))
    with pytest.raises(UserError, match="larger than 1024 KiB"):
        await github.file(repo, "b1")


async def test_a_file_that_fails_says_why_and_is_tried_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    good = answered({"content": "aGk=", "encoding": "base64"})
    api.get("/repos/octo/hello/git/blobs/b1").mock(side_effect=[answered({"message": "Oops"}, 502), good])
    assert await github.file(repo, "b1") == b"hi"


async def test_a_pull_request_whose_fork_was_deleted_is_still_one(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    body = {
        "number": 3,
        "state": "closed",
        "head": {"sha": SHA, "ref": "fix", "repo": None},
        "base": {"sha": "b" * 40, "ref": "main", "repo": {"id": 501}},
    }
    api.get("/repos/octo/hello/pulls/3").mock(return_value=answered(body))
    pull = await github.pull_request(repo, 3)
    assert pull is not None
    assert (pull.head_repository_id, pull.head_ref) == (0, "fix")


# --- deliveries and the App itself

NOW = 1_790_000_000.0


def delivery(number: int, guid: str, code: int, age: float) -> dict[str, Any]:
    return {"id": number, "guid": guid, "status_code": code, "delivered_at": iso(NOW - age), "redelivery": False}


async def test_missed_deliveries_are_those_that_no_attempt_got_through_oldest_first(
    api: respx.MockRouter, pem: str
) -> None:
    first = [
        delivery(9, "retried", 202, 10),
        delivery(8, "late", 0, 20),
        delivery(7, "twice", 503, 30),
        delivery(6, "retried", 500, 40),
    ]
    second = [
        delivery(5, "fine", 202, 50),
        delivery(4, "twice", 500, 60),
        delivery(3, "unreachable", 0, 70),
        delivery(2, "too old", 500, 2000),
    ]

    pages = {None: (first, "v1_6"), "v1_6": (second, "v1_2")}

    def page(request: httpx.Request) -> httpx.Response:
        deliveries, following = pages[request.url.params.get("cursor")]
        link = request.url.copy_merge_params({"cursor": following})
        return answered(deliveries, link=f'<{link}>; rel="next"')

    route = api.get("/app/hook/deliveries").mock(side_effect=page)
    github = GithubkitGitHub(str(APP_ID), pem, clock=lambda: NOW)
    assert await github.missed_deliveries(NOW - 1000) == [3, 4, 8]
    assert route.call_count == 2, "older pages are not asked for"
    assert route.calls[0].request.headers["authorization"].startswith("Bearer ey")
    await github.aclose()


async def test_a_delivery_is_redelivered_once_whatever_the_answer(
    github: GithubkitGitHub, api: respx.MockRouter
) -> None:
    route = api.post("/app/hook/deliveries/12/attempts").mock(side_effect=[answered({}, 202), httpx.Response(502)])
    await github.redeliver(12)
    with pytest.raises(Outage):
        await github.redeliver(12)
    assert route.call_count == 2


async def test_installations(github: GithubkitGitHub, api: respx.MockRouter) -> None:
    installations = [
        {"id": 7, "account": {"login": "octo", "id": 1}, "suspended_at": None},
        {"id": 8, "account": None, "suspended_at": "2026-11-01T00:00:00Z"},
    ]
    api.get("/app/installations").mock(return_value=answered(installations))
    assert await github.installations() == [
        Installation(id=7, account="octo", account_id=1),
        Installation(id=8, account="", account_id=0, suspended=True),
    ]


async def test_ping_says_who_the_app_is(github: GithubkitGitHub, api: respx.MockRouter) -> None:
    route = api.get("/app").mock(return_value=answered({"id": APP_ID, "slug": "whaleray"}))
    assert await github.ping() == "whaleray"
    assert await github.app_slug() == "whaleray"
    assert route.call_count == 1


async def test_ping_names_a_clock_that_is_wrong(github: GithubkitGitHub, api: respx.MockRouter) -> None:
    api.get("/app").mock(return_value=answered({"slug": "w"}, date="Tue, 15 Nov 1994 08:12:31 GMT"))
    with pytest.raises(SettingsError, match="s fast"):
        await github.ping()


@pytest.mark.parametrize(
    ("message", "mend"),
    [
        ("A JSON web token could not be decoded", "private key"),
        ("'Expiration time' claim ('exp') is too far in the future", "clock"),
    ],
)
async def test_ping_names_the_setting_that_github_refuses(
    github: GithubkitGitHub, api: respx.MockRouter, message: str, mend: str
) -> None:
    api.get("/app").mock(return_value=answered({"message": message}, 401))
    with pytest.raises(SettingsError, match=mend):
        await github.ping()


async def test_ping_of_a_github_that_is_away_is_an_outage(github: GithubkitGitHub, api: respx.MockRouter) -> None:
    api.get("/app").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Outage, match="could not be reached"):
        await github.ping()
