"""A fork's code by another name than the pull request's: the commit that is named, or GitHub's own reference to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from bot import actions
from bot.actions import Asked
from bot.model import Repository, Trigger
from bot.opening import Request
from bot.ports import Commit, Ports, PullRequest

REPOSITORY = Repository(id=1, owner="octo", name="hello", installation_id=1)
ASKED = Asked(repository=REPOSITORY, actor="octocat", delivery="d", at=9.0, trigger=Trigger.COMMAND, pr=5)
HEAD, OWN = "f" * 40, "a" * 40


class World:
    """A repository with an open pull request of a fork, whose commits GitHub gives by any name, as it does."""

    def __init__(self, *, fork_code: bool) -> None:
        self.ports = cast(Ports, SimpleNamespace(store=self, github=self, fork_code=fork_code))

    async def service(self, repository_id: int) -> None:
        return None

    async def commit(self, repository: Repository, ref: str) -> Commit:
        return Commit(sha=OWN if ref in (OWN, "main") else HEAD, message="Words")

    async def pull_request(self, repository: Repository, number: int) -> PullRequest:
        return PullRequest(number=number, head_sha=HEAD, head_ref="theirs", head_repository_id=2)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits that were deployed."""
    found: list[str] = []

    async def open_deployment(ports: Ports, request: Request) -> None:
        found.append(request.sha)

    monkeypatch.setattr("bot.opening.open_deployment", open_deployment)
    return found


@pytest.mark.parametrize("name", ["pull/5/head", "pull/6/head", "pull/6/merge", "refs/pull/6/head"])
async def test_a_pull_request_s_reference_is_no_way_around_the_pin(opened: list[str], name: str) -> None:
    """It could move between what the maintainer read and what is deployed."""
    said = await actions.deploy(World(fork_code=True).ports, ASKED, name)
    assert not said.done
    assert opened == []


@pytest.mark.parametrize(("fork_code", "deployed"), [(True, [HEAD]), (False, [])])
async def test_a_fork_s_head_by_its_sha_runs_only_where_it_is_shut_in(
    opened: list[str], fork_code: bool, deployed: list[str]
) -> None:
    said = await actions.deploy(World(fork_code=fork_code).ports, ASKED, HEAD)
    assert said.done == fork_code
    assert opened == deployed


async def test_the_repository_s_own_commits_are_deployed_also_where_nothing_is_shut_in(opened: list[str]) -> None:
    assert (await actions.deploy(World(fork_code=False).ports, ASKED, OWN)).done
    assert opened == [OWN]
