"""Secrets by the people who own the repository, from the comment to the application's environment."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.engine.repository import PACKS
from tests.stories.browser import Browser, token
from tests.stories.town import AUTHOR, Place, Town

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB Мир\n-----END CERTIFICATE-----"
STRANGER = "mallory"


@pytest.fixture(scope="module")
def place(town: Town) -> Place:
    """A service whose builds show what they see."""
    town.sandbox.create_user(STRANGER)
    made = town.repository()
    made.runs(made.push("1", f"{PACKS}\nenv"))
    return made


@pytest.fixture
def octocat(town: Town) -> Iterator[Browser]:
    browser = Browser(town.sandbox, AUTHOR)
    yield browser
    browser.close()


def asked(place: Place, branch: str) -> tuple[int, str]:
    """Ask for the link on a new pull request: its number, and the link."""
    pull, _ = place.pull_request("2", branch=branch)
    place.say(pull, "/whaleray env")
    found = re.search(r"\]\((http://[^)]+/env\?[^)]+)\)", place.answer(pull))
    assert found, place.answer(pull)
    return pull, found[1]


def environment(place: Place) -> str:
    """What the running application sees."""
    return place.town.http.get(f"{place.url}environment").text


def whaleray(town: Town, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, env=town.machine.environment, input=given, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_secret_reaches_the_application_with_its_next_start_and_no_build(place: Place, octocat: Browser) -> None:
    pull, link = asked(place, "reaches")
    page = octocat.open(link)
    assert page.status_code == 200
    here = str(page.url)
    for key, value in (("DB_PASSWORD", "correct horse"), ("CERTIFICATE", CERTIFICATE.replace("\n", "\r\n"))):
        page = octocat.send(here, form=token(page), key=key, value=value, action="set")
        assert f"{key} is set." in page.text
        assert f"{key}</code> set by {AUTHOR}" in page.text
    assert "correct horse" not in page.text
    assert "DB_PASSWORD" not in environment(place)
    place.say(pull, "/whaleray restart")
    place.answer(pull, 2)
    both = {"DB_PASSWORD=correct horse", f"CERTIFICATE={CERTIFICATE}"}
    place.town.until(lambda: all(each in environment(place) for each in both), "the secrets in the application")
    place.runs(place.sandbox.head(place.full_name), 2)

    built = place.push("3", f"{PACKS}\nenv | cut -d= -f1\necho 'it said correct horse'")
    place.runs(built)
    place.serves("3")
    assert "DB_PASSWORD=correct horse" in environment(place)
    log = octocat.http.get(log_link(place, built)).text
    assert "COMMIT_SHA" in log  # the build showed the names of all that it saw
    assert "DB_PASSWORD" not in log
    assert "CERTIFICATE" not in log
    assert "it said [redacted]" in log

    page = octocat.send(here, form=token(page), key="DB_PASSWORD", action="unset")
    assert "DB_PASSWORD is deleted." in page.text
    place.say(pull, "/whaleray restart")
    place.town.until(lambda: "DB_PASSWORD" not in environment(place), "the secret gone from the application")
    written = place.town.machine.log.read_text()
    assert "correct horse" not in written
    assert "DB_PASSWORD" in written


def log_link(place: Place, sha: str) -> str:
    """As GitHub shows it beside the deployment."""
    found = [s["log_url"] for d in place.sandbox.deployments(place.full_name) if d["sha"] == sha for s in d["statuses"]]
    assert found
    return str(found[-1])


def test_the_answer_names_what_is_set_and_no_value(place: Place, octocat: Browser) -> None:
    pull, link = asked(place, "named")
    page = octocat.open(link)
    octocat.send(str(page.url), form=token(page), key="API_KEY", value="sesame-open-2026", action="set")
    place.say(pull, "/whaleray env")
    answer = place.answer(pull, 2)
    assert "`API_KEY`" in answer
    assert "sesame" not in answer


def test_a_stranger_gets_no_link_and_with_one_no_page(place: Place) -> None:
    pull, link = asked(place, "stranger")
    browser = Browser(place.sandbox, STRANGER)
    page = browser.open(link)
    assert page.status_code == 403
    assert f"{STRANGER} has no write permission" in page.text
    place.sandbox.grant(place.full_name, STRANGER, "read")
    place.say(pull, "/whaleray env", by=STRANGER)
    assert "write access" in place.answer(pull, 2)
    browser.close()


def test_permission_removed_between_holds_at_once(town: Town, place: Place) -> None:
    town.sandbox.create_user("carol")
    town.sandbox.grant(place.full_name, "carol", "write")
    _, link = asked(place, "between")
    carol = Browser(town.sandbox, "carol")
    page = carol.open(link)
    assert page.status_code == 200
    town.sandbox.revoke(place.full_name, "carol")
    refused = carol.send(str(page.url), form=token(page), key="CAROL_WAS_HERE", value="x", action="set")
    assert refused.status_code == 403
    assert "CAROL_WAS_HERE" not in whaleray(town, "env", "list", service_of(place)).stdout
    carol.close()


def service_of(place: Place) -> str:
    return place.url.rstrip("/").rpartition("/")[2]


def test_operators_set_list_and_unset_them_too(town: Town, place: Place, octocat: Browser) -> None:
    service = service_of(place)
    done = whaleray(town, "env", "set", service, "FROM_OPERATOR", given="behind-the-desk\n")
    assert done.returncode == 0, done.stderr
    assert "FROM_OPERATOR is set" in done.stdout
    assert "FROM_OPERATOR" in whaleray(town, "env", "list", service).stdout.splitlines()
    page = octocat.open(asked(place, "operated")[1])
    assert "(operator)" in page.text
    assert whaleray(town, "env", "unset", service, "FROM_OPERATOR").returncode == 0
    assert "FROM_OPERATOR" not in whaleray(town, "env", "list", service).stdout


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("set", "no-such-service", "KEY"), "x", "There is no service no-such-service. Known are: github_"),
        (("list", "no-such-service"), "", "There is no service"),
        (("set", "", "1ST"), "x", "can't be the name of a variable"),
        (("set", "", "PATH"), "x", "PATH is set by WhaleRay itself"),
        (("set", "", "KEY"), "", "KEY needs a value"),
        (("unset", "", "NEVER_SET"), "", "NEVER_SET"),
    ],
)
def test_operators_mistakes_are_told_in_words(
    town: Town, place: Place, arguments: tuple[str, ...], given: str, said: str
) -> None:
    named = [argument or service_of(place) for argument in arguments]
    done = whaleray(town, "env", *named, given=given)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# In a real browser.


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_the_form_in_a_real_browser(place: Place, page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    scheme = request.node.callspec.params["page"]
    _, link = asked(place, f"browser-{scheme}")
    page.goto(link)
    page.get_by_label("Sign in as").select_option(AUTHOR)
    page.get_by_role("button", name="Authorise").click()
    page.get_by_role("heading", name=f"Secrets of {place.full_name}").wait_for()
    assert page.url.endswith("/env")

    page.get_by_label("Name").fill("1 is no name")
    page.get_by_label("Value").fill("x")
    page.get_by_role("button", name="Save").click()
    assert page.locator("input:invalid").count() == 1  # the browser itself holds it back

    for key, value in (("SPRING_DATASOURCE_PASSWORD", "s3cr3t-in-a-browser"), ("CERT", CERTIFICATE)):
        page.get_by_label("Name").fill(key)
        page.get_by_label("Value").fill(value)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").filter(has_text=f"{key} is set.").wait_for()
    assert "s3cr3t-in-a-browser" not in page.content()
    assert page.get_by_label("Value").input_value() == ""
    page.screenshot(path=tmp_path / f"env-{scheme}.png", full_page=True)
    page.reload()
    assert page.get_by_role("status").count() == 0

    page.get_by_role("button", name="Delete CERT", exact=True).click()
    page.get_by_role("status").filter(has_text="CERT is deleted.").wait_for()
    assert page.get_by_role("button", name="Delete CERT", exact=True).count() == 0
    page.get_by_role("button", name="Delete SPRING_DATASOURCE_PASSWORD").click()
    page.get_by_role("status").wait_for()

    background, text = (
        page.evaluate("element => getComputedStyle(document.body)[element]", name)
        for name in ("backgroundColor", "color")
    )
    assert background != text
