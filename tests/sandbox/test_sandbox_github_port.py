"""The real adapter against the sandbox: each call of the `GitHub` port, every request as GitHub describes it."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.errors import Gone, Outage
from bot.model import Repository
from bot.ports import Action, Annotation, CheckRun
from infra.github import GithubkitGitHub
from tests.sandbox.conftest import FULL_NAME, Town
from tests.support.openapi import github as description


@pytest.fixture
async def github(town: Town) -> AsyncIterator[GithubkitGitHub]:
    """What it sends is held against GitHub's description, and nothing of it may be wrong."""
    town.sandbox.checks.append(description().request)
    adapter = GithubkitGitHub(str(town.app.app_id), town.app.private_key_pem, api_url=town.sandbox.api_url)
    yield adapter
    await adapter.aclose()
    assert not town.sandbox.violations


@pytest.fixture
async def repo(github: GithubkitGitHub, town: Town) -> Repository:
    (only,) = await github.repositories(town.installation)
    return only


@pytest.fixture
def pull(town: Town) -> int:
    town.sandbox.push(FULL_NAME, {"a.txt": b"a"}, branch="feature/a", message="Add a", by="octocat")
    return town.sandbox.open_pull_request(FULL_NAME, head="feature/a", title="A", by="octocat")


def running(sha: str, **changed: object) -> CheckRun:
    common = {"head_sha": sha, "external_id": "d1", "status": "in_progress", "title": "BUILDING", "summary": "s"}
    return CheckRun.model_validate({**common, "started_at": time.time(), **changed})


async def test_repositories_are_found_by_installation_and_by_id(
    github: GithubkitGitHub, repo: Repository, town: Town
) -> None:
    assert (repo.full_name, repo.private, repo.default_branch) == (FULL_NAME, True, "main")
    town.sandbox.rename_repository(FULL_NAME, "renamed")
    now = await github.repository(town.installation, repo.id)
    assert now is not None
    assert now.full_name == "octo-org/renamed"
    assert await github.commit(repo, "main"), "the former name still leads there"
    assert await github.repository(town.installation, 4242) is None


async def test_source_is_read_at_a_commit(github: GithubkitGitHub, repo: Repository, town: Town) -> None:
    assert await github.branch_head(repo, "main") == town.sha
    assert await github.branch_head(repo, "gone") is None
    commit = await github.commit(repo, "main")
    assert commit is not None
    assert (commit.sha, commit.message) == (town.sha, "Initial commit")
    assert await github.commit(repo, "f" * 40) is None
    tree = await github.tree(repo, town.sha)
    by_path = {each.path: each for each in tree.entries}
    assert set(by_path) == {"README.md", "src", "src/Main.java", "mvnw"}
    assert await github.file(repo, by_path["src/Main.java"].sha) == b"class Main {}\n"


async def test_an_empty_repository_is_no_outage(github: GithubkitGitHub, town: Town) -> None:
    town.sandbox.create_repository("octo-org", "empty")
    town.sandbox.install("octo-org", ["octo-org/empty"], by="octocat")
    empty = next(each for each in await github.repositories(town.installation) if each.name == "empty")
    assert await github.branch_head(empty, "main") is None
    assert await github.commit(empty, "main") is None


async def test_the_tarball_is_that_commit(github: GithubkitGitHub, repo: Repository, town: Town) -> None:
    town.sandbox.push(FULL_NAME, {"later.txt": b"x"}, by="octocat")
    source = await github.source(repo, town.sha)
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
        answer = await client.get(source.url, headers={"Authorization": f"Bearer {source.token}"})
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        names = {each.name for each in tar if each.isfile()}
    top = f"octo-org-hello-{town.sha}"
    assert names == {f"{top}/README.md", f"{top}/src/Main.java", f"{top}/mvnw"}


async def test_people_and_pull_requests(github: GithubkitGitHub, repo: Repository, town: Town, pull: int) -> None:
    found = await github.pull_request(repo, pull)
    assert found is not None
    assert (found.head_ref, found.head_repository_id) == ("feature/a", repo.id)
    assert await github.pull_request(repo, 99) is None
    assert await github.can_write(repo, "octocat")
    assert not await github.can_write(repo, "mona")
    assert not await github.can_write(repo, "nobody")
    assert await github.user_id(town.installation, "nobody") is None
    assert await github.user_id(town.installation, "mona") == town.sandbox.world.user("mona").id


async def test_a_check_run_from_queue_to_end(github: GithubkitGitHub, repo: Repository, town: Town) -> None:
    number = await github.create_check_run(repo, running(town.sha))
    assert await github.find_check_run(repo, town.sha, "d1") == number
    assert await github.find_check_run(repo, town.sha, "d2") is None
    annotations = tuple(
        Annotation(path="src/Main.java", line=line, level="failure", title="t", message=f"line {line}")
        for line in range(1, 121)
    )
    ended = running(
        town.sha,
        status="completed",
        conclusion="failure",
        completed_at=time.time(),
        title="FAILED",
        text="log",
        annotations=annotations,
        actions=(Action(label="Redeploy", description="Again", identifier="redeploy"),),
    )
    await github.update_check_run(repo, number, ended)
    await github.update_check_run(repo, number, ended)
    (run,) = town.sandbox.check_runs(FULL_NAME, town.sha)
    assert (run["conclusion"], len(run["annotations"]), len(run["actions"])) == ("failure", 120, 1)


async def test_a_comment_and_its_reaction(github: GithubkitGitHub, repo: Repository, town: Town, pull: int) -> None:
    marker = "<!-- whaleray:sticky -->"
    asked = town.sandbox.comment(FULL_NAME, pull, f"{marker} mine", by="octocat")
    assert await github.find_comment(repo, pull, marker) is None, "anyone can write the marker"
    number = await github.create_comment(repo, pull, f"{marker}\nRunning")
    assert await github.find_comment(repo, pull, marker) == number
    await github.update_comment(repo, number, f"{marker}\nFailed")
    await github.react(repo, asked, "eyes")
    await github.react(repo, asked, "eyes")
    assert [(each.user.login, each.content) for each in town.sandbox.reactions(FULL_NAME, asked)] == [
        ("whaleray[bot]", "eyes")
    ]
    (_, sticky) = town.sandbox.comments(FULL_NAME, pull)
    assert (sticky["body"], sticky["edits"]) == (f"{marker}\nFailed", [f"{marker}\nRunning"])


async def test_a_deployment_and_its_statuses(github: GithubkitGitHub, repo: Repository, town: Town) -> None:
    number = await github.create_deployment(repo, town.sha, "production", "d1", "Say hello")
    assert await github.find_deployment(repo, town.sha, "d1") == number
    assert await github.find_deployment(repo, town.sha, "d2") is None
    await github.set_deployment_status(repo, number, "success", environment_url="https://example.com/", description="x")
    (made,) = town.sandbox.deployments(FULL_NAME)
    assert [(each["state"], each["environment_url"]) for each in made["statuses"]] == [
        ("success", "https://example.com/")
    ]


async def test_missed_deliveries_are_found_and_taken_up(github: GithubkitGitHub, town: Town) -> None:
    with town.sandbox.webhooks_down():
        town.sandbox.push(FULL_NAME, {"a": b"a"}, by="octocat")
    missed = await github.missed_deliveries(0)
    assert missed == [each.id for each in town.sandbox.deliveries()]
    await github.redeliver(missed[-1])
    again = town.sandbox.deliveries()[-1]
    assert (again.redelivery, again.guid) == (True, town.sandbox.deliveries()[-2].guid)
    assert [each.id for each in await github.installations()] == [town.installation]
    assert await github.ping() == "whaleray"


async def test_an_answer_that_is_lost_is_found_again_and_not_doubled(
    github: GithubkitGitHub, repo: Repository, town: Town, pull: int
) -> None:
    town.sandbox.fail("POST /repos/*/check-runs", drop="after")
    number = await github.create_check_run(repo, running(town.sha))
    assert [each["id"] for each in town.sandbox.check_runs(FULL_NAME, town.sha)] == [number]
    town.sandbox.fail("POST /repos/*/comments", drop="after")
    await github.create_comment(repo, pull, "<!-- x -->\nHello")
    assert len(town.sandbox.comments(FULL_NAME, pull)) == 1


async def test_limits_and_removals_are_told_apart(github: GithubkitGitHub, repo: Repository, town: Town) -> None:
    town.sandbox.secondary_limit(1)
    await github.create_check_run(repo, running(town.sha))
    with pytest.raises(Outage) as caught:
        await github.create_check_run(repo, running(town.sha, external_id="d2"))
    assert 0 < caught.value.retry_after <= 60
    with pytest.raises(Outage, match="holds WhaleRay back"):
        await github.branch_head(repo, "main")
    other = GithubkitGitHub(str(town.app.app_id), town.app.private_key_pem, api_url=town.sandbox.api_url)
    town.sandbox.uninstall("octo-org", by="octocat")
    with pytest.raises(Gone):
        await other.branch_head(repo, "main")
    await other.aclose()
