"""An application's log of a public repository: never posted, read by who may write."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.stories.browser import Browser, token
from tests.stories.town import AUTHOR, Place, Town

SAYS = "the database is on fire"
"""What the stand-in application says before it ends (tests/engine/Application.java)."""


@pytest.fixture(scope="module")
def place(town: Town) -> Place:
    town.sandbox.create_user("mallory")
    made = town.repository(private=False)
    made.runs(made.push("1"))
    return made


@pytest.fixture
def octocat(town: Town) -> Iterator[Browser]:
    browser = Browser(town.sandbox, AUTHOR)
    yield browser
    browser.close()


def app_log(text: str) -> str:
    found = re.search(r"\]\((http://[^)]+/app-log)\)", text)
    assert found, text
    return found[1]


def test_the_answer_to_logs_is_a_link_that_asks_who_you_are(town: Town, place: Place, octocat: Browser) -> None:
    pull, _ = place.pull_request("2")
    place.say(pull, "/whaleray logs")
    answer = place.answer(pull)
    assert "listening" not in answer
    page = octocat.open(app_log(answer))
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/plain; charset=utf-8"
    assert "listening" in page.text
    mallory = Browser(town.sandbox, "mallory")
    refused = mallory.open(app_log(answer))
    assert refused.status_code == 403
    assert "listening" not in refused.text
    mallory.close()


def test_a_failed_start_is_linked_from_its_check_and_redacted(place: Place, octocat: Browser) -> None:
    """The application prints a secret of its own when it fails."""
    pull, _ = place.pull_request("3", branch="secret")
    place.say(pull, "/whaleray env")
    link = re.search(r"\]\((http://[^)]+/env\?[^)]+)\)", place.answer(pull))
    assert link
    page = octocat.open(link[1])
    octocat.send(str(page.url), form=token(page), key="PLACE", value=SAYS.split(" ", 1)[1], action="set")

    broken = place.push("4", files={".whaleray.yml": b"env:\n  TEST_EXIT: 3\n"})
    check = place.fails(broken)
    shown = f"{check['output']['title']}{check['output']['summary']}{check['output']['text']}"
    assert "on fire" not in shown
    page = octocat.open(app_log(check["output"]["summary"]))
    assert page.status_code == 200
    assert "Error: the [redacted]" in page.text
    assert SAYS not in page.text
    place.serves("1")
