"""Who gets an answer to a comment: on a public repository anybody may write one, as often as they like."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from bot.events import Answer, Comment, Event
from bot.model import Repository
from bot.ports import Ports
from handlers import issue_comment

REPOSITORY = Repository(id=1, owner="octo", name="hello", installation_id=1)
WRITER = "octocat"


class World:
    """What the handler asks of its ports, and the answers that it gave."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self._seen: set[str] = set()
        self.ports = cast(Ports, SimpleNamespace(store=self, view=self, github=self))

    async def once(self, key: str, owner: str = "") -> bool:
        first = key not in self._seen
        self._seen.add(key)
        return first

    async def can_write(self, repository: Repository, login: str) -> bool:
        return login == WRITER

    async def send(self, event: Event, *, group: str, key: str) -> None:
        if isinstance(event, Answer) and event.body:
            self.answers.append(event.body)


@pytest.fixture
def world() -> World:
    return World()


def comment(number: int, sender: str, *, is_pull_request: bool) -> Comment:
    return Comment(
        delivery=f"delivery-{number}",
        received_at=10.0,
        repository=REPOSITORY,
        sender=sender,
        issue=7,
        is_pull_request=is_pull_request,
        comment_id=number,
        body="/whaleray help",
        created_at=9.0,
    )


@pytest.mark.parametrize("is_pull_request", [True, False])
async def test_a_stranger_s_hundred_comments_get_one_answer(world: World, is_pull_request: bool) -> None:
    """Otherwise anybody could spend what GitHub lets the App write for everybody else."""
    for number in range(100):
        await issue_comment.handle(world.ports, comment(number, "mallory", is_pull_request=is_pull_request))
    assert len(world.answers) == 1
    assert "write access" in world.answers[0]


async def test_a_writer_learns_that_an_issue_is_no_pull_request(world: World) -> None:
    await issue_comment.handle(world.ports, comment(1, WRITER, is_pull_request=False))
    assert "This is an issue" in world.answers[0]
