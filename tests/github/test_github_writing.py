"""What is written, held against githubkit's models of GitHub's own description, and found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import githubkit_schemas.latest.models as described
import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from bot.errors import Gone, Outage
from bot.model import Repository
from bot.ports import Action, Annotation, CheckRun
from infra.github import GithubkitGitHub, bodies
from tests.github.conftest import APP_ID

SHA = "a" * 40
NEW_CHECK: TypeAdapter[Any] = TypeAdapter(
    described.ReposOwnerRepoCheckRunsPostBodyOneof0 | described.ReposOwnerRepoCheckRunsPostBodyOneof1
)
CHANGED_CHECK: TypeAdapter[Any] = TypeAdapter(
    described.ReposOwnerRepoCheckRunsCheckRunIdPatchBodyAnyof0
    | described.ReposOwnerRepoCheckRunsCheckRunIdPatchBodyAnyof1
)


def accept(adapter: TypeAdapter[Any] | type[BaseModel], body: object) -> None:
    """Fails for a body that GitHub's description refuses, or that has a parameter which it doesn't know."""
    model = (adapter if isinstance(adapter, TypeAdapter) else TypeAdapter(adapter)).validate_python(body)
    assert set(keys(model.model_dump(by_alias=True, exclude_unset=True))) == set(keys(body))


def keys(value: object, at: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{at}.{name}"
            yield from keys(inner, f"{at}.{name}")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from keys(inner, f"{at}[]")


def sent(route: respx.Route, number: int = -1) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(route.calls[number].request.content)
    return body


def broken(count: int) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(path="src/A.java", line=n, level="failure", title="Broken", message=f"line {n}")
        for n in range(1, count + 1)
    )


def check(**changes: Any) -> CheckRun:
    return CheckRun(
        **{
            "head_sha": SHA,
            "external_id": "d1",
            "status": "in_progress",
            "title": "Building",
            "summary": "| stage |",
            **changes,
        }
    )


DONE = check(
    status="completed",
    conclusion="failure",
    started_at=1_700_000_000.4,
    completed_at=1_700_000_100.0,
    details_url="https://bot.example/log",
    text="```\nlog\n```",
    annotations=broken(2),
    actions=(Action(label="Redeploy", description="Deploy this commit again", identifier="redeploy"),),
)


def test_a_check_runs_body_has_only_what_is_set() -> None:
    assert bodies.new_check_run(check(), ()) == {
        "name": "WhaleRay",
        "head_sha": SHA,
        "external_id": "d1",
        "status": "in_progress",
        "output": {"title": "Building", "summary": "| stage |"},
    }


def test_an_ended_check_run_says_when_in_utc() -> None:
    body = bodies.new_check_run(DONE, DONE.annotations)
    assert (body["started_at"], body["completed_at"]) == ("2023-11-14T22:13:20Z", "2023-11-14T22:15:00Z")
    assert body["conclusion"] == "failure"
    assert body["output"]["annotations"][1] == {
        "path": "src/A.java",
        "start_line": 2,
        "end_line": 2,
        "annotation_level": "failure",
        "message": "line 2",
        "title": "Broken",
    }


def test_a_check_run_that_goes_on_has_no_conclusion_even_if_one_is_given() -> None:
    assert "conclusion" not in bodies.new_check_run(check(conclusion="success", completed_at=1.0), ())


@given(
    status=st.sampled_from(["queued", "in_progress", "completed"]),
    conclusion=st.sampled_from([None, "success", "failure", "cancelled", "neutral"]),
    at=st.none() | st.floats(0, 4e9),
    text=st.text(max_size=20),
    count=st.integers(0, 60),
    buttons=st.integers(0, 3),
)
def test_every_check_run_fits_githubs_description(
    status: str, conclusion: str | None, at: float | None, text: str, count: int, buttons: int
) -> None:
    run = check(
        status=status,
        conclusion=conclusion,
        started_at=at,
        completed_at=at,
        text=text,
        actions=(Action(label="a", description="b", identifier="c"),) * buttons,
    )
    first, *rest = bodies.batches(broken(count))
    accept(NEW_CHECK, bodies.new_check_run(run, first))
    accept(CHANGED_CHECK, bodies.changed_check_run(run, first))
    for batch in rest:
        accept(CHANGED_CHECK, {"output": bodies.output(run, batch)})


@given(
    environment=st.sampled_from(["production", "pull/7"]),
    description=st.text(max_size=300),
    url=st.sampled_from(["", "https://r.example/x/"]),
    state=st.sampled_from(["queued", "in_progress", "success", "failure", "inactive", "error", "pending"]),
)
def test_every_deployment_and_status_fits_githubs_description(
    environment: str, description: str, url: str, state: str
) -> None:
    body = bodies.new_deployment(SHA, environment, "d1", description)
    accept(described.ReposOwnerRepoDeploymentsPostBody, body)
    assert len(body.get("description", "")) <= 140
    assert (body["auto_merge"], body["required_contexts"]) == (False, [])
    assert body["production_environment"] is not body["transient_environment"]
    status = bodies.deployment_status(state, url, url, description)
    accept(described.ReposOwnerRepoDeploymentsDeploymentIdStatusesPostBody, status)
    assert status["auto_inactive"] is False


def test_the_check_of_bodies_would_notice_an_unknown_parameter() -> None:
    with pytest.raises(AssertionError):
        accept(described.ReposOwnerRepoDeploymentsPostBody, {"ref": SHA, "colour": "red"})


# --- check runs on the wire


async def test_a_hundred_and_twenty_annotations_go_out_in_fifties(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    create = api.post("/repos/octo/hello/check-runs").mock(return_value=httpx.Response(201, json={"id": 11}))
    update = api.patch("/repos/octo/hello/check-runs/11").mock(return_value=httpx.Response(200, json={"id": 11}))
    await github.create_check_run(repo, check(annotations=broken(120)))
    counts = [len(sent(create)["output"]["annotations"])]
    counts += [len(sent(update, n)["output"]["annotations"]) for n in range(update.call_count)]
    assert counts == [50, 50, 20]
    assert set(sent(update)) == {"output"}


async def test_annotations_that_github_has_are_not_sent_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    there = [
        {"path": a.path, "start_line": a.line, "title": a.title, "message": a.message, "annotation_level": a.level}
        for a in broken(2)
    ]
    api.get("/repos/octo/hello/check-runs/11/annotations").mock(return_value=httpx.Response(200, json=there))
    update = api.patch("/repos/octo/hello/check-runs/11").mock(return_value=httpx.Response(200, json={"id": 11}))
    await github.update_check_run(repo, 11, check(annotations=broken(3)))
    assert [a["start_line"] for a in sent(update)["output"]["annotations"]] == [3]
    await github.update_check_run(repo, 11, check(annotations=broken(2)))
    assert "annotations" not in sent(update)["output"]


async def test_an_update_without_annotations_is_one_request_and_takes_the_buttons_away(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    update = api.patch("/repos/octo/hello/check-runs/11").mock(return_value=httpx.Response(200, json={"id": 11}))
    await github.update_check_run(repo, 11, check())
    assert update.call_count == 1
    assert sent(update)["actions"] == []


@pytest.mark.parametrize(("count", "calls"), [(0, 3), (1, 1)], ids=["without annotations", "with annotations"])
async def test_an_update_is_repeated_only_if_it_adds_no_annotations(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, count: int, calls: int
) -> None:
    api.get("/repos/octo/hello/check-runs/11/annotations").mock(return_value=httpx.Response(200, json=[]))
    update = api.patch("/repos/octo/hello/check-runs/11").mock(return_value=httpx.Response(502))
    with pytest.raises(Outage):
        await github.update_check_run(repo, 11, check(annotations=broken(count)))
    assert update.call_count == calls


def run(number: int, external_id: str, *, app: int = APP_ID, name: str = "WhaleRay") -> dict[str, Any]:
    return {"id": number, "name": name, "external_id": external_id, "app": {"id": app}}


async def test_a_check_run_is_found_by_its_external_id_among_the_apps_own(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    runs = [run(1, "d0"), run(2, "d1", app=5), run(3, "d1", name="Other"), run(4, "d1")]
    route = api.get(f"/repos/octo/hello/commits/{SHA}/check-runs").mock(
        return_value=httpx.Response(200, json={"total_count": 4, "check_runs": runs})
    )
    assert await github.find_check_run(repo, SHA, "d1") == 4
    assert await github.find_check_run(repo, SHA, "d9") is None
    asked = route.calls.last.request.url.params
    assert (asked["check_name"], asked["filter"], asked["app_id"]) == ("WhaleRay", "all", str(APP_ID))


# --- creates whose answer got lost

CREATES = {
    "check run": ("/repos/octo/hello/check-runs", f"/repos/octo/hello/commits/{SHA}/check-runs"),
    "comment": ("/repos/octo/hello/issues/3/comments", "/repos/octo/hello/issues/3/comments"),
    "deployment": ("/repos/octo/hello/deployments", "/repos/octo/hello/deployments"),
}
FOUND = {
    "check run": {"check_runs": [run(77, "d1")]},
    "comment": [{"id": 77, "body": "<!-- whaleray d1 -->\nHi", "performed_via_github_app": {"id": APP_ID}}],
    "deployment": [{"id": 77, "payload": {"whaleray": "d1"}}],
}
NOTHING: dict[str, Any] = {"check run": {"check_runs": []}, "comment": [], "deployment": []}


async def create(github: GithubkitGitHub, repo: Repository, what: str) -> int:
    match what:
        case "check run":
            return await github.create_check_run(repo, check())
        case "comment":
            return await github.create_comment(repo, 3, "<!-- whaleray d1 -->\nHi")
        case _:
            return await github.create_deployment(repo, SHA, "production", "d1", "")


AMBIGUOUS = [httpx.Response(502), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("dropped")]


@pytest.mark.parametrize("what", CREATES)
@pytest.mark.parametrize("failure", AMBIGUOUS, ids=["502", "time-out", "dropped"])
async def test_a_create_whose_answer_got_lost_is_found_and_not_sent_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, what: str, failure: Any
) -> None:
    post, get = CREATES[what]
    created = api.post(post).mock(side_effect=[failure])
    api.get(get).mock(return_value=httpx.Response(200, json=FOUND[what]))
    assert await create(github, repo, what) == 77
    assert created.call_count == 1


@pytest.mark.parametrize("what", CREATES)
async def test_a_create_that_is_not_found_is_put_back_and_not_sent_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, what: str
) -> None:
    post, get = CREATES[what]
    created = api.post(post).mock(return_value=httpx.Response(502))
    api.get(get).mock(return_value=httpx.Response(200, json=NOTHING[what]))
    with pytest.raises(Outage):
        await create(github, repo, what)
    assert created.call_count == 1


@pytest.mark.parametrize("what", CREATES)
async def test_a_create_that_never_left_is_simply_sent_again(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, what: str
) -> None:
    post, _ = CREATES[what]
    created = api.post(post).mock(side_effect=[httpx.ConnectError("refused"), httpx.Response(201, json={"id": 78})])
    assert await create(github, repo, what) == 78
    assert created.call_count == 2


async def test_a_comment_without_a_marker_is_put_back_when_its_answer_got_lost(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    created = api.post("/repos/octo/hello/issues/3/comments").mock(return_value=httpx.Response(502))
    with pytest.raises(Outage):
        await github.create_comment(repo, 3, "Hi")
    assert created.call_count == 1


# --- comments, reactions, deployments


async def test_a_marker_counts_only_at_the_start_of_the_apps_own_comment(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    marker = "<!-- whaleray -->"
    api.get("/app").mock(return_value=httpx.Response(200, json={"id": APP_ID, "slug": "whaleray"}))
    comments = [
        {"id": 1, "body": f"{marker} mine now", "user": {"login": "mallory", "id": 3}},
        {"id": 2, "body": f"see {marker}", "performed_via_github_app": {"id": APP_ID}},
        {"id": 3, "body": marker, "performed_via_github_app": {"id": 5}, "user": {"login": "other[bot]"}},
        {"id": 4, "body": None, "user": None},
        {"id": 5, "body": marker, "performed_via_github_app": None, "user": {"login": "other[bot]"}},
        {"id": 6, "body": f"{marker}\nURL", "performed_via_github_app": None, "user": {"login": "whaleray[bot]"}},
        {"id": 7, "body": f"{marker}\nURL", "performed_via_github_app": {"id": APP_ID}},
    ]
    route = api.get("/repos/octo/hello/issues/3/comments").mock(return_value=httpx.Response(200, json=comments))
    assert await github.find_comment(repo, 3, marker) == 6
    route.mock(return_value=httpx.Response(200, json=comments[6:]))
    assert await github.find_comment(repo, 3, marker) == 7


async def test_a_comment_is_looked_for_on_every_page(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("page") == "2":
            mine = {"id": 9, "body": "<!-- m -->", "performed_via_github_app": {"id": APP_ID}}
            return httpx.Response(200, json=[mine])
        link = f'<{request.url.copy_merge_params({"page": "2"})}>; rel="next"'
        return httpx.Response(200, headers={"link": link}, json=[{"id": 1, "body": "x"}])

    api.get("/repos/octo/hello/issues/3/comments").mock(side_effect=page)
    assert await github.find_comment(repo, 3, "<!-- m -->") == 9


@pytest.mark.parametrize("status", [200, 201])
async def test_a_reaction_may_have_been_there_already(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, status: int
) -> None:
    route = api.post("/repos/octo/hello/issues/comments/4/reactions").mock(
        side_effect=[httpx.Response(502), httpx.Response(status, json={"id": 1})]
    )
    await github.react(repo, 4, "eyes")
    accept(described.ReposOwnerRepoIssuesCommentsCommentIdReactionsPostBody, sent(route))
    assert route.call_count == 2


async def test_a_deployment_is_found_by_its_payload_as_object_or_text(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    deployments = [
        {"id": 1, "payload": ""},
        {"id": 2, "payload": {"whaleray": "d1"}, "performed_via_github_app": {"id": 5}},
        {"id": 3, "payload": '{"whaleray": "d1"}', "performed_via_github_app": {"id": APP_ID}},
        {"id": 4, "payload": {"whaleray": "d2"}, "performed_via_github_app": None},
    ]
    api.get("/repos/octo/hello/deployments").mock(return_value=httpx.Response(200, json=deployments))
    assert await github.find_deployment(repo, SHA, "d1") == 3
    assert await github.find_deployment(repo, SHA, "d2") == 4
    assert await github.find_deployment(repo, SHA, "d3") is None


@pytest.mark.parametrize(("newest", "lost"), [("success", False), ("in_progress", True)])
async def test_a_status_whose_answer_got_lost_is_fine_if_it_is_the_newest(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository, newest: str, lost: bool
) -> None:
    url = "/repos/octo/hello/deployments/5/statuses"
    route = api.post(url).mock(return_value=httpx.Response(502))
    status = {"state": newest, "environment_url": "https://r.example/x/", "log_url": "", "description": "Live"}
    api.get(url).mock(return_value=httpx.Response(200, json=[status]))

    async def write() -> None:
        await github.set_deployment_status(
            repo, 5, "success", environment_url="https://r.example/x/", description="Live"
        )

    if lost:
        with pytest.raises(Outage):
            await write()
    else:
        await write()
    assert route.call_count == 1


async def test_a_comment_that_somebody_deleted_is_gone(
    github: GithubkitGitHub, api: respx.MockRouter, repo: Repository
) -> None:
    api.patch("/repos/octo/hello/issues/comments/4").mock(return_value=httpx.Response(404, json={"message": "No"}))
    with pytest.raises(Gone):
        await github.update_comment(repo, 4, "x")
