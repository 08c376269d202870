"""Logs as pages: a build's behind a signed link, an application's behind a sign-in; both redacted."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.links import DAY_S, LOG_S
from bot.model import Cause, Deployment, LogKind
from bot.web import create_app
from tests.web.conftest import GUID, SERVICE, Site

ID = "d3f9"
TOKEN = "ghs_" + "a1B2" * 9
LOGS = {LogKind.BUILD: f"cloning with {TOKEN}\npacked, hunter-two-2026\n<b>bold</b>", LogKind.APP: "hunter-two-2026 in"}


class Logging:
    """An engine that has kept two logs of one deployment."""

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    async def log(self, deployment_id: str, kind: LogKind) -> str:
        return LOGS[kind] if deployment_id == ID else ""


@pytest.fixture
async def logged(site: Site) -> AsyncIterator[Site]:
    """The same site with a deployment whose logs hold secrets."""
    ports = dataclasses.replace(site.runtime.ports, engine=Logging(site.runtime.ports.engine))  # type: ignore[arg-type]
    deployment = Deployment(
        id=ID,
        repository_id=site.repository.id,
        service_id=SERVICE,
        cause=Cause(delivery=GUID),
        sha="f" * 40,
        ref="main",
    )
    await ports.store.put_deployment(deployment)
    await ports.secrets.set(SERVICE, "DB_PASSWORD", "hunter-two-2026")
    app = create_app(ports, site.runtime.web)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bot.example") as http:
        yield dataclasses.replace(site, app=app, http=http)


async def test_a_build_s_log_opens_by_its_link_redacted(logged: Site) -> None:
    answer = await logged.http.get(logged.runtime.web.links.log(ID))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.text == "cloning with [redacted]\npacked, [redacted]\n<b>bold</b>"


async def test_a_link_opens_one_log_and_nothing_else(logged: Site) -> None:
    query = logged.runtime.web.links.log(ID).split("?")[1]
    for path in ("/deployments/other/log", f"/services/{SERVICE}/env", f"/deployments/{ID}%2Flog/log"):
        assert (await logged.http.get(f"{path}?{query}")).status_code in (403, 404)
    assert (await logged.http.get(f"/deployments/{ID}/log")).status_code == 403
    forged = query[:-1] + ("0" if query[-1] != "0" else "1")
    refused = await logged.http.get(f"/deployments/{ID}/log?{forged}")
    assert refused.status_code == 403
    assert "not valid, or has ended" in refused.text


async def test_a_link_ends_and_can_t_be_prolonged(logged: Site) -> None:
    links = logged.runtime.web.links
    then = dataclasses.replace(links, clock=lambda: links.clock() - LOG_S - DAY_S)
    ended = then.log(ID)
    assert (await logged.http.get(ended)).status_code == 403
    later = ended.replace("expires=", "expires=9")
    assert (await logged.http.get(later)).status_code == 403
    almost = dataclasses.replace(links, clock=lambda: links.clock() - LOG_S + 60)
    assert (await logged.http.get(almost.log(ID))).status_code == 200


async def test_a_link_stays_the_same_for_a_day(logged: Site) -> None:
    """A check that carries it isn't written again for its sake."""
    links = logged.runtime.web.links
    noon = dataclasses.replace(links, clock=lambda: 1_793_620_800.0)
    evening = dataclasses.replace(links, clock=lambda: 1_793_620_800.0 + DAY_S / 2 - 1)
    midnight = dataclasses.replace(links, clock=lambda: 1_793_620_800.0 + DAY_S / 2)
    assert noon.log(ID) == evening.log(ID) != midnight.log(ID)


async def test_a_deployment_that_is_not_known_has_no_log(logged: Site) -> None:
    answer = await logged.http.get(logged.runtime.web.links.log("other"))
    assert (answer.status_code, answer.text) == (200, "No log is kept of this deployment.\n")


async def test_an_application_s_log_opens_for_who_may_write(logged: Site) -> None:
    octocat = logged.browser("octocat")
    link = logged.runtime.web.links.app_log(ID)
    answer = await octocat.enter(link)
    assert (answer.status_code, answer.text) == (200, "[redacted] in")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await octocat.get(link)).text == "[redacted] in"  # without signing in again


async def test_an_application_s_log_stays_shut_for_everyone_else(logged: Site) -> None:
    mona = logged.browser("mona")
    refused = await mona.enter(logged.runtime.web.links.app_log(ID))
    assert refused.status_code == 403
    assert "mona has no write permission on octo-org/hello" in refused.text
    assert (await mona.get(f"/deployments/{ID}/app-log")).status_code == 303  # to sign in


async def test_permission_is_asked_each_time(logged: Site) -> None:
    octocat = logged.browser("octocat")
    link = logged.runtime.web.links.app_log(ID)
    assert (await octocat.enter(link)).status_code == 200
    logged.sandbox.revoke("octo-org/hello", "octocat")
    assert (await octocat.get(link)).status_code == 403


async def test_a_session_for_one_page_opens_no_other(logged: Site) -> None:
    octocat = logged.browser("octocat")
    assert (await octocat.enter(logged.runtime.web.links.app_log(ID))).status_code == 200
    [(name, value)] = [(c.name, c.value) for c in octocat.http.cookies.jar if c.name == "whaleray_session"]
    headers = {"Cookie": f"{name}={value}"}
    assert (await logged.http.get(f"/services/{SERVICE}/env", headers=headers)).status_code == 403
    assert (await logged.http.get("/deployments/other/app-log", headers=headers)).status_code == 303


@pytest.mark.parametrize("name", ["other", "x;%20Path=/", "a%20b", "%0d%0aX-Made-Up:1", "x" * 200])
async def test_a_deployment_of_a_name_that_somebody_made_up(logged: Site, name: str) -> None:
    answer = await logged.browser("octocat").get(f"/deployments/{name}/app-log")
    assert answer.status_code == (303 if name == "other" else 404)
    assert "x-made-up" not in answer.headers
    if name == "other":
        entered = await logged.browser("octocat").enter(f"/deployments/{name}/app-log")
        assert entered.status_code == 404
