"""What the bot shows of itself: health, readiness, metrics, the home page, and words for everything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import httpx
import pytest

from bot.web import create_app
from infra.sandbox import Sandbox
from tests.web.conftest import SERVICE, Site

HTML = ("/", "/setup", f"/services/{SERVICE}/env", "/services/none-such/env", "/deployments/d3f9/log")


async def test_it_is_alive(site: Site) -> None:
    answer = await site.http.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_readiness_names_what_is_wrong(site: Site) -> None:
    """No router runs beside these tests."""
    answer = await site.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.text.startswith("The router does not run")
    assert "whaleray router" in answer.text
    await site.runtime.close()
    lines = (await site.http.get("/readyz")).text.splitlines()
    assert [line.split(" is closed")[0] for line in lines[1:]] == ["The database queue.db", "The database whaleray.db"]


async def test_it_is_ready_when_nothing_is_wrong(site: Site) -> None:
    async def nothing() -> Sequence[str]:
        return ()

    app = create_app(site.runtime.ports, site.runtime.web, nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bot.example") as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_metrics_are_there_when_the_databases_are_not(site: Site) -> None:
    await site.runtime.close()
    answer = await site.http.get("/metrics")
    assert answer.status_code == 200
    assert "whaleray_deliveries_total" in answer.text


@pytest.mark.parametrize("path", ["/", "/setup"])
async def test_where_to_install_it_is_asked_of_github_once(site: Site, path: str) -> None:
    before = len(site.sandbox.requests)
    for _ in range(3):
        answer = await site.http.get(path)
        assert answer.status_code == 200
        assert f'href="{site.sandbox.url}/apps/whaleray/installations/new"' in answer.text
    assert [r.template for r in site.sandbox.requests[before:]] == ["/app"]


@pytest.mark.parametrize("path", ["/", "/setup"])
async def test_the_pages_are_there_while_github_is_not(site: Site, sandbox: Sandbox, path: str) -> None:
    with sandbox.fail("GET /app", status=502, times=None):
        answer = await site.http.get(path)
    assert answer.status_code == 200
    assert "installations/new" not in answer.text
    assert "WhaleRay" in answer.text
    assert "installations/new" in (await site.http.get(path)).text  # it is asked again


@pytest.mark.parametrize("path", HTML)
async def test_no_page_loads_is_framed_or_is_kept(site: Site, path: str) -> None:
    answer = await site.http.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/", "/setup", "/deployments/d3f9/log"])
async def test_head_answers_as_get_does_and_nothing_else_is_taken(site: Site, path: str) -> None:
    got, head = await site.http.get(path), await site.http.head(path)
    assert got.status_code == head.status_code
    assert head.headers["content-type"] == got.headers["content-type"]
    refused = await site.http.post(path)
    assert refused.status_code == 405
    assert refused.text == "This page takes no such request.\n"
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_webhook_is_posted(site: Site) -> None:
    answer = await site.http.get("/webhook")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_what_is_not_there_is_said_in_words(site: Site) -> None:
    for path in ("/favicon.ico", "/docs", "/openapi.json", "/services/x", "/%00", "/..%2f..%2fetc/passwd"):
        answer = await site.http.get(path)
        assert (answer.status_code, answer.text) == (404, "There is no such page.\n")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("expires", ["soon", "9" * 5000, "1e9", ""])
async def test_an_address_that_was_cut_is_said_to_be(site: Site, expires: str) -> None:
    for path in (f"/services/{SERVICE}/env", "/deployments/d3f9/log"):
        answer = await site.http.get(f"{path}?expires={expires}&signature=00")
        assert (answer.status_code, answer.text) == (400, "This address is incomplete or wrong.\n")


async def test_an_install_link_can_t_break_out_of_the_page(site: Site) -> None:
    async def hostile() -> str:
        return 'https://x/"><script>alert(1)</script>'

    app = create_app(site.runtime.ports, dataclasses.replace(site.runtime.web, install_url=hostile))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bot.example") as http:
        assert "<script>" not in (await http.get("/")).text
