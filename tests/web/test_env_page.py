"""The page of a service's secrets, and everything that tries to get past its door."""

from __future__ import annotations

import dataclasses
import logging
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from bot.errors import Outage
from bot.links import ENV_S
from bot.model import Audit
from bot.signin import SIGNIN_S, Cookies, Goal
from bot.web import create_app
from tests.web.conftest import OWN_URL, SERVICE, Browser, Site

PAGE = f"/services/{SERVICE}/env"
VALUE = "correct horse & battery <staple> é 100%"


def link(site: Site) -> str:
    return site.runtime.web.links.env(SERVICE)


def token(page: httpx.Response) -> str:
    """What the page's forms carry."""
    found = set(re.findall(r'name="form" value="([^"]+)"', page.text))
    assert len(found) == 1, page.text
    return str(found.pop())


async def entered(site: Site, login: str = "octocat") -> tuple[Browser, str]:
    browser = site.browser(login)
    page = await browser.enter(link(site))
    assert page.status_code == 200, page.text
    return browser, token(page)


async def stored(site: Site) -> dict[str, str]:
    return dict(await site.runtime.ports.secrets.get(SERVICE))


async def audits(site: Site) -> list[tuple[str, str, str]]:
    return [(a.key, a.action, a.actor) for a in await site.runtime.ports.store.audits(SERVICE)]


async def test_a_secret_is_set_replaced_and_deleted_and_its_value_never_shown(site: Site) -> None:
    browser, form = await entered(site)
    for value in ("first-value", VALUE):
        answer = await browser.send(PAGE, form=form, key="DB_PASSWORD", value=value, action="set")
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
        assert (await stored(site))["DB_PASSWORD"] == value
    page = await browser.get(PAGE)
    assert "DB_PASSWORD is set." in page.text
    assert "<code>DB_PASSWORD</code>" in page.text
    for part in ("first-value", "battery", "staple"):
        assert part not in page.text
    assert "DB_PASSWORD is set." not in (await browser.get(PAGE)).text  # said once
    answer = await browser.send(PAGE, form=form, key="DB_PASSWORD", action="unset")
    assert answer.status_code == 303
    assert await stored(site) == {}
    assert "DB_PASSWORD is deleted." in (await browser.get(PAGE)).text
    octocat = [("DB_PASSWORD", action, "octocat") for action in ("unset", "set", "set")]
    assert await audits(site) == octocat
    assert (await browser.get(PAGE)).text.count("by octocat") == 3


async def test_no_token_of_the_person_is_kept(site: Site) -> None:
    before = len(site.sandbox.requests)
    await entered(site)
    used = [(r.method, r.template) for r in site.sandbox.requests[before:]]
    assert ("GET", "/user") in used
    assert ("DELETE", "/applications/{client_id}/token") in used
    assert site.sandbox.world.user_tokens == {}


async def test_a_value_of_several_lines_arrives_as_it_was(site: Site) -> None:
    """Browsers send line ends as CR LF; a certificate has LF."""
    browser, form = await entered(site)
    await browser.send(PAGE, form=form, key="CERT", value="-----BEGIN\r\nМир 世界\r\n-----END\r\n", action="set")
    assert (await stored(site))["CERT"] == "-----BEGIN\nМир 世界\n-----END\n"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "can&#39;t be the name"),
        ("1ST", "can&#39;t be the name"),
        ("A B", "can&#39;t be the name"),
        ("A=B", "can&#39;t be the name"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("X" * 129, "can&#39;t be the name"),
        ("PATH", "set by WhaleRay itself"),
        ("server_port", "set by WhaleRay itself"),
        ("WHALERAY_HOME_DIR", "set by WhaleRay itself"),
        ("LD_PRELOAD", "set by WhaleRay itself"),
        ("HOME", "set by WhaleRay itself"),
    ],
)
async def test_a_name_that_can_t_be_is_refused_in_words(site: Site, key: str, said: str) -> None:
    browser, form = await entered(site)
    answer = await browser.send(PAGE, form=form, key=key, value=VALUE, action="set")
    assert answer.status_code == 400
    assert said in answer.text
    assert "staple" not in answer.text
    assert (await stored(site), await audits(site)) == ({}, [])


@pytest.mark.parametrize(
    ("value", "status"), [("", 400), ("a\0b", 400), ("x" * (32 * 1024 + 1), 400), ("é" * (16 * 1024 + 1), 400)]
)
async def test_a_value_that_can_t_be_is_refused(site: Site, value: str, status: int) -> None:
    browser, form = await entered(site)
    answer = await browser.send(PAGE, form=form, key="KEY", value=value, action="set")
    assert answer.status_code == status
    assert (await stored(site), await audits(site)) == ({}, [])


@pytest.mark.parametrize("value", ["x" * (32 * 1024), "é" * (16 * 1024), "\r\n" * (32 * 1024)])
async def test_the_longest_value_fits_however_it_is_written(site: Site, value: str) -> None:
    browser, form = await entered(site)
    answer = await browser.send(PAGE, form=form, key="KEY", value=value, action="set")
    assert answer.status_code == 303
    assert len((await stored(site))["KEY"].encode()) == 32 * 1024


async def test_a_form_far_too_long_is_not_read_to_its_end(site: Site) -> None:
    browser, form = await entered(site)
    answer = await browser.send(PAGE, form=form, key="KEY", value="x" * 300_000, action="set")
    assert answer.status_code == 413
    assert "at most 32768 bytes" in answer.text


async def test_deleting_what_is_not_there_is_said_and_not_noted(site: Site) -> None:
    browser, form = await entered(site)
    answer = await browser.send(PAGE, form=form, key="<i>NONE</i>", action="unset")
    assert answer.status_code == 400
    assert "&lt;i&gt;NONE" in answer.text
    assert await audits(site) == []


# Getting in.


@pytest.mark.parametrize("query", ["", "?expires=1&signature=00", "?expires=99999999999&signature=00"])
async def test_nobody_comes_in_without_a_link(site: Site, query: str) -> None:
    answer = await site.browser("octocat").get(PAGE + query)
    assert answer.status_code == 403
    assert "/whaleray env" in answer.text


async def test_a_forged_link_and_one_of_another_service_lead_nowhere(site: Site) -> None:
    good = link(site)
    forged = good[:-1] + ("0" if good[-1] != "0" else "1")
    elsewhere = good.replace(SERVICE, "github_1-octo-org-other")
    longer = re.sub(r"expires=(\d+)", lambda m: f"expires={int(m[1]) + 600}", good)
    for wrong in (forged, elsewhere, longer):
        assert (await site.browser("octocat").get(wrong)).status_code == 403


async def test_a_link_ends_after_ten_minutes(site: Site) -> None:
    links = site.runtime.web.links
    old = dataclasses.replace(links, clock=lambda: links.clock() - ENV_S - 1)
    assert (await site.browser("octocat").get(old.env(SERVICE))).status_code == 403


async def test_the_sign_in_asks_github_with_state_and_pkce_and_for_nothing_more(site: Site) -> None:
    begun = await site.browser("octocat").get(link(site))
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{OWN_URL}/signin/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 32
    assert "scope" not in asked
    cookie = begun.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/signin/callback"))


async def test_another_browser_s_state_is_refused(site: Site) -> None:
    """Who sends somebody the end of their own sign-in would have them write secrets as somebody else."""
    mallory, octocat = site.browser("mona"), site.browser("octocat")
    begun = await mallory.get(link(site))
    back = await mallory.authorise(begun.headers["location"])
    refused = await octocat.get(back)
    assert refused.status_code == 403
    assert "not begun in this browser" in refused.text
    await octocat.get(link(site))
    assert (await octocat.get(back)).status_code == 403


async def test_a_code_is_good_once(site: Site) -> None:
    browser = site.browser("octocat")
    begun = await browser.get(link(site))
    cookie = browser.http.cookies.get("whaleray_signin", path="/signin/callback")
    back = await browser.authorise(begun.headers["location"])
    assert (await browser.get(back)).status_code == 303
    assert (await browser.get(back)).status_code == 403  # the browser has forgotten the state
    replayed = await site.http.get(back, headers={"Cookie": f"whaleray_signin={cookie}"})
    assert replayed.status_code == 403
    assert "GitHub did not accept the sign-in" in replayed.text
    assert "set-cookie" not in replayed.headers


async def test_a_code_of_another_sign_in_does_not_fit_the_verifier(site: Site) -> None:
    octocat = site.browser("octocat")
    mine = parse_qs(urlsplit((await octocat.get(link(site))).headers["location"]).query)
    other = site.browser("mona")
    stolen = parse_qs(urlsplit(await other.authorise((await other.get(link(site))).headers["location"])).query)
    answer = await octocat.get(f"/signin/callback?code={stolen['code'][0]}&state={mine['state'][0]}")
    assert answer.status_code == 403
    assert "GitHub did not accept the sign-in" in answer.text


async def test_who_says_no_on_github_is_told_so(site: Site) -> None:
    browser = site.browser("octocat")
    begun = await browser.get(link(site))
    back = await browser.authorise(begun.headers["location"], cancel="1")
    assert "access_denied" in back
    answer = await browser.get(back)
    assert answer.status_code == 403
    assert "You did not sign in" in answer.text


async def test_a_sign_in_that_took_too_long_is_begun_anew(site: Site) -> None:
    links = site.runtime.web.links
    early = dataclasses.replace(links, clock=lambda: links.clock() - SIGNIN_S - 1)
    app = create_app(site.runtime.ports, dataclasses.replace(site.runtime.web, links=early))
    browser = Browser(app, site.sandbox, "octocat")
    begun = await browser.get(early.env(SERVICE))
    back = await browser.authorise(begun.headers["location"])
    cookie = browser.http.cookies.get("whaleray_signin", path="/signin/callback")
    assert (await site.http.get(back, headers={"Cookie": f"whaleray_signin={cookie}"})).status_code == 403


async def test_somebody_without_write_permission_is_refused(site: Site) -> None:
    refused = await site.browser("mona").enter(link(site))
    assert refused.status_code == 403
    assert "mona has no write permission on octo-org/hello" in refused.text


async def test_permission_that_was_taken_away_holds_at_once(site: Site) -> None:
    browser, form = await entered(site)
    site.sandbox.grant("octo-org/hello", "octocat", "read")
    answer = await browser.send(PAGE, form=form, key="KEY", value="x", action="set")
    assert answer.status_code == 403
    assert (await browser.get(PAGE)).status_code == 403
    assert (await stored(site), await audits(site)) == ({}, [])


async def test_nobody_is_let_in_while_github_can_t_be_asked(site: Site) -> None:
    browser, form = await entered(site)
    with site.sandbox.fail("GET /repos/*/collaborators/*/permission", status=502, times=None):
        assert (await browser.get(PAGE)).status_code == 502
        answer = await browser.send(PAGE, form=form, key="KEY", value="x", action="set")
    assert answer.status_code == 502
    assert await stored(site) == {}
    assert (await browser.get(PAGE)).status_code == 200


async def test_a_service_that_is_gone_has_no_page(site: Site) -> None:
    other = site.runtime.web.links.env("github_1-octo-org-gone")
    answer = await site.browser("octocat").enter(other)
    assert answer.status_code == 404


# What comes without its own page.


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://bot.example", f"{OWN_URL}:8443"])
async def test_a_form_of_another_site_is_refused(site: Site, origin: str | None) -> None:
    browser, form = await entered(site)
    answer = await browser.send(PAGE, origin=origin, form=form, key="KEY", value="x", action="set")
    assert answer.status_code == 403
    assert "not sent from its own page" in answer.text
    assert await stored(site) == {}


@pytest.mark.parametrize("form", ["", "x", "é" * 30])
async def test_a_form_without_its_token_is_refused(site: Site, form: str) -> None:
    browser, _ = await entered(site)
    answer = await browser.send(PAGE, form=form, key="KEY", value="x", action="set")
    assert answer.status_code == 403
    assert await stored(site) == {}


async def test_another_session_s_token_is_refused(site: Site) -> None:
    browser, _ = await entered(site)
    _, other = await entered(site)
    assert (await browser.send(PAGE, form=other, key="KEY", value="x", action="set")).status_code == 403


@pytest.mark.parametrize("body", [b"a=1&" * 20, b"\xff\xfe", b"form=%FF", b"", b"&&&", b"form"])
async def test_a_body_that_is_no_form_is_refused(site: Site, body: bytes) -> None:
    browser, _ = await entered(site)
    answer = await browser.http.post(PAGE, content=body, headers={"Origin": OWN_URL})
    assert answer.status_code == 403


async def test_who_is_not_signed_in_changes_nothing(site: Site) -> None:
    answer = await site.browser("octocat").send(PAGE, form="x", key="KEY", value="x", action="set")
    assert answer.status_code == 403
    assert "not signed in" in answer.text


async def test_a_cookie_can_t_be_made_lengthened_or_used_as_another(site: Site) -> None:
    links = site.runtime.web.links
    goal = Goal(kind="env", of=SERVICE)
    ours = Cookies(links.key, links.clock)
    session = ours.session(goal, "octocat")
    forged = [
        Cookies(b"another key", links.clock).seal(session),
        ours.seal(session)[:-1],
        ours.seal(ours.attempt(goal)),
        ours.seal(session.model_copy(update={"expires": links.clock() - 1})),
        ours.seal(session.model_copy(update={"goal": Goal(kind="app-log", of=SERVICE)})),
        "",
        ".",
        "e30=.",
    ]
    for cookie in forged:
        answer = await site.http.get(PAGE, headers={"Cookie": f"whaleray_session={cookie}"})
        assert answer.status_code == 403
    answer = await site.http.get(PAGE, headers={"Cookie": f"whaleray_session={ours.seal(session)}"})
    assert answer.status_code == 200


# What is kept of it.


class Fails:
    """A store whose audit can't be written."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def put_audit(self, audit: Audit) -> None:
        raise Outage("whaleray.db can't be written.", "", "Make room on the disk.")


async def test_no_change_without_its_entry(site: Site) -> None:
    ports = dataclasses.replace(site.runtime.ports, store=Fails(site.runtime.ports.store))  # type: ignore[arg-type]
    broken = dataclasses.replace(site, app=create_app(ports, site.runtime.web))
    browser, form = await entered(broken)
    answer = await browser.send(PAGE, form=form, key="KEY", value="x", action="set")
    assert answer.status_code == 502
    assert await stored(site) == {}


async def test_a_value_is_in_no_log_no_metric_and_no_file(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser, form = await entered(site)
    for key in ("GOOD", "not good", "PATH"):
        await browser.send(PAGE, form=form, key=key, value="tr0ub4dor-and-3", action="set")
    metrics = (await browser.get("/metrics")).text
    written = capfd.readouterr()
    assert "GOOD" in written.out + written.err  # the change is logged
    for text in (metrics, written.out, written.err, caplog.text):
        assert "tr0ub4dor" not in text
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert tmp_path / "home" / "secrets" / "secrets.enc" in files
    assert [path for path in files if b"tr0ub4dor" in path.read_bytes()] == []
    assert (await stored(site))["GOOD"] == "tr0ub4dor-and-3"
