"""What the router makes of requests and answers: addresses, headers, cookies and redirects."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.router.rig import TOKEN, Answer, Backend, Request, Rig, answer, ok

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Service:
    name: str
    backend: Backend


LONGEST = "github_123456_" + "x" * 48 + "0"


def new_id() -> str:
    return f"github_77_acme-shop_{next(_numbers)}"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(shared: Rig) -> AsyncIterator[Mapping[str, Backend]]:
    """Two services of one instance each: one reached directly, one by an upstream of its own."""
    names = {way: f"github_77_acme-shop_{way}" for way in ("directly", "listed")}
    async with shared.serving(names["directly"]) as directly, shared.serving(names["listed"]) as listed:
        await shared.list(names["listed"])
        yield {names["directly"]: directly, names["listed"]: listed}


@pytest.fixture(params=["directly", "listed"])
def service(request: pytest.FixtureRequest, services: Mapping[str, Backend]) -> Service:
    name = f"github_77_acme-shop_{request.param}"
    services[name].requests.clear()
    services[name].handler = ok
    return Service(name, services[name])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a/b/c",
        "/a%2Fb%2fc",
        "/a%20b+c",
        "//double//slash/",
        "/semi;colon=1;v=2/x",
        "/a?x=1&y=a%2Fb%26c&z=%E2%82%AC",
        "/?",
        "/??a=?",
        "/a?next=/b/../c",
        "/%E4%BD%A0%e5%a5%bd",
        "/a'b(c)*!$&,:@~-_.",
        "/%25%32%46",
        "/a%0Ab",
        "/./a/./b",
        "/a/..%2f..%2fb",
        '/"<>[]{}|\\^`',
        "/github_1-other/x",
    ],
)
async def test_the_application_gets_the_address_byte_for_byte(shared: Rig, service: Service, path: str) -> None:
    assert (await shared.ask(f"/{service.name}{path}")).status == 200
    assert service.backend.requests[0].target == path


async def test_an_address_in_absolute_form_is_one_address(shared: Rig, service: Service) -> None:
    raw = f"GET http://apps.example/{service.name}/a%2Fb?c HTTP/1.1\r\nHost: apps.example\r\nConnection: close\r\n\r\n"
    assert (await shared.send(raw.encode())).status == 200
    assert service.backend.requests[0].target == "/a%2Fb?c"


async def test_a_path_that_climbs_stays_with_the_service_that_it_names_first(shared: Rig) -> None:
    victim, attacker = new_id(), new_id()
    async with shared.serving(victim) as one, shared.serving(attacker) as other:
        await shared.ask(f"/{attacker}/../{victim}/x")
        await shared.ask(f"/{attacker}/%2e%2e/{victim}/x")
        assert len(other.requests) == 2 and not one.requests


async def test_a_service_id_of_63_characters_with_underscores(shared: Rig) -> None:
    assert len(LONGEST) == 63
    async with shared.serving(LONGEST):
        assert (await shared.ask(f"/{LONGEST}/")).status == 200


@pytest.mark.parametrize("query", ["", "?", "?a=1&b=%2F"])
async def test_the_bare_id_redirects_relatively_and_keeps_the_query(shared: Rig, query: str) -> None:
    name = new_id()
    got = await shared.ask(f"/{name}{query}")
    assert (got.status, got.get("Location")) == (308, f"/{name}/{query if len(query) > 1 else ''}")


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/x",
        "/Github_1-a/",
        "/github_/",
        "/github_1.evil/",
        "/github_a:80@b/",
        "/github_" + "a" * 57 + "/",
        "/github_a-/",
    ],
)
async def test_what_is_no_service_id_is_404_in_our_words(shared: Rig, target: str) -> None:
    got = await shared.ask(target)
    assert (got.status, got.body) == (404, b"No service has this address.\n")


async def test_forwarded_headers_are_the_routers_and_not_the_clients(shared: Rig, service: Service) -> None:
    forged = [
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: gopher",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Port: 666",
        "X-Forwarded-Ssl: on",
        "X-Real-IP: 6.6.6.6",
        "Forwarded: for=6.6.6.6;host=evil.example",
        f"X-WhaleRay-Probe: {TOKEN}",
    ]
    await shared.ask(f"/{service.name}/", headers=forged)
    sent = service.backend.requests[0]
    assert sent.all("Host") == ["apps.example:8443"]
    assert sent.all("X-Forwarded-Host") == ["apps.example:8443"]
    assert sent.all("X-Forwarded-For") == ["127.0.0.1"]
    assert sent.all("X-Forwarded-Proto") == ["http"]
    assert sent.all("X-Forwarded-Prefix") == [f"/{service.name}"]
    assert sent.all("X-Real-IP") == ["127.0.0.1"]
    for absent in ("Forwarded", "X-Forwarded-Port", "X-Forwarded-Ssl", "X-WhaleRay-Probe", "Connection", "Upgrade"):
        assert sent.all(absent) == [], absent


async def test_a_request_of_http_1_0_gets_a_host(shared: Rig, service: Service) -> None:
    assert (await shared.send(f"GET /{service.name}/ HTTP/1.0\r\n\r\n".encode())).status == 200
    assert service.backend.requests[0].line.endswith("HTTP/1.1")
    assert len(service.backend.requests[0].all("Host")) == 1 and service.backend.requests[0].all("Host")[0]


async def test_the_instance_is_told_only_to_who_knows_the_token(shared: Rig, service: Service) -> None:
    async def forging(request: Request) -> bytes:
        return answer(headers={"X-WhaleRay-Upstream": "1.2.3.4:5"})

    service.backend.handler = forging
    address = f"{service.backend.address}:{shared.service_port}"
    known = await shared.ask(f"/{service.name}/", headers=[f"X-WhaleRay-Probe: {TOKEN}"])
    assert known.get("X-WhaleRay-Upstream") == address
    for header in ([], ["X-WhaleRay-Probe: wrong"], ["X-WhaleRay-Probe:"]):
        assert (await shared.ask(f"/{service.name}/", headers=header)).get("X-WhaleRay-Upstream") is None
    assert await shared.registry.confirm(service.name, service.backend.address, "/health")
    assert not await shared.registry.confirm(service.name, "127.0.0.99", "/health")


async def cookies(rig: Rig, service: Service, *sent: str) -> list[str]:
    async def handler(request: Request) -> bytes:
        return answer(headers=[f"Set-Cookie: {cookie}" for cookie in sent])

    service.backend.handler = handler
    return (await rig.ask(f"/{service.name}/login")).all("Set-Cookie")


async def test_no_header_of_one_service_reaches_into_the_others(shared: Rig, service: Service) -> None:
    """They share an origin: a worker of wider scope would answer for all of them, and clearing would log out of all."""

    async def handler(request: Request) -> bytes:
        return answer(headers={"Service-Worker-Allowed": "/", "Clear-Site-Data": '"*"', "Cache-Control": "no-store"})

    service.backend.handler = handler
    got = await shared.ask(f"/{service.name}/worker.js")
    assert got.get("Service-Worker-Allowed") == f"/{service.name}/"
    assert got.get("Clear-Site-Data") is None
    assert got.get("Cache-Control") == "no-store"
    service.backend.handler = ok
    assert (await shared.ask(f"/{service.name}/worker.js")).get("Service-Worker-Allowed") is None


async def test_cookies_are_scoped_to_the_service_once(shared: Rig, service: Service) -> None:
    id_ = service.name
    assert await cookies(
        shared,
        service,
        "a=1; Path=/",
        "b=2; path=/app; HttpOnly",
        f"c=3; Path=/{id_}; Secure",
        f"d=4; Path=/{id_}/",
        f"e=5; Path=/{id_}/app; SameSite=Lax",
        f"f=6; Path=/{id_}2/x",
        f"g=7; Path=/{id_}2",
        "h=8",
        "i=/; Max-Age=3; Path=/",
    ) == [
        f"a=1; Path=/{id_}/",
        f"b=2; path=/{id_}/app; HttpOnly",
        f"c=3; Path=/{id_}; Secure",
        f"d=4; Path=/{id_}/",
        f"e=5; Path=/{id_}/app; SameSite=Lax",
        f"f=6; Path=/{id_}/{id_}2/x",
        f"g=7; Path=/{id_}",
        "h=8",
        f"i=/; Max-Age=3; Path=/{id_}/",
    ]


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("/login", "/{id}/login"),
        ("/", "/{id}/"),
        ("/a?next=/b#c", "/{id}/a?next=/b#c"),
        ("/{id}/login", "/{id}/login"),
        ("/{id}", "/{id}"),
        ("/{id}?x", "/{id}?x"),
        ("/{id}2/x", "/{id}/{id}2/x"),
        ("login", "login"),
        ("?page=2", "?page=2"),
        ("//other.example/x", "//other.example/x"),
        ("http://apps.example:8443/login?a=b", "http://apps.example:8443/{id}/login?a=b"),
        ("https://apps.example:8443/login", "https://apps.example:8443/{id}/login"),
        ("http://apps.example:8443", "http://apps.example:8443/{id}"),
        ("http://apps.example:8443/", "http://apps.example:8443/{id}/"),
        ("http://apps.example:8443/{id}/login", "http://apps.example:8443/{id}/login"),
        ("http://apps.example:8443/{id}", "http://apps.example:8443/{id}"),
        ("http://apps.example:8443.evil.example/x", "http://apps.example:8443.evil.example/x"),
        ("https://github.com/login/oauth?redirect_uri=/{id}/x", "https://github.com/login/oauth?redirect_uri=/{id}/x"),
        ("mailto:a@b", "mailto:a@b"),
        ("/a b", "/{id}/a b"),
    ],
)
async def test_redirects_stay_in_the_service(shared: Rig, service: Service, sent: str, received: str) -> None:
    async def handler(request: Request) -> bytes:
        return answer(b"", "302 Found", {"Location": sent.replace("{id}", service.name)})

    service.backend.handler = handler
    got = await shared.ask(f"/{service.name}/x")
    assert (got.status, got.get("Location")) == (302, received.replace("{id}", service.name))


async def test_an_answer_without_location_gets_none(shared: Rig, service: Service) -> None:
    assert (await shared.ask(f"/{service.name}/x")).get("Location") is None


@pytest.mark.parametrize(
    "code", ["400 Bad Request", "404 Not Found", "405 Nope", "500 Oops", "502 Mine", "503 Mine", "504 Mine"]
)
async def test_what_the_application_says_of_errors_is_passed_on(shared: Rig, service: Service, code: str) -> None:
    async def handler(request: Request) -> bytes:
        return answer(b"my own words", code, {"Content-Type": "text/x-mine"})

    service.backend.handler = handler
    got = await shared.ask(f"/{service.name}/x")
    assert (got.status, got.body, got.get("Content-Type")) == (int(code[:3]), b"my own words", "text/x-mine")


async def test_an_application_has_no_say_in_the_router(shared: Rig, service: Service) -> None:
    async def handler(request: Request) -> bytes:
        return answer(b"mine", headers={"X-Accel-Redirect": "/-/healthz", "X-Accel-Limit-Rate": "1"})

    service.backend.handler = handler
    assert (await shared.ask(f"/{service.name}/x")).body == b"mine"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
async def test_methods_are_passed_on(shared: Rig, service: Service, method: str) -> None:
    async def handler(request: Request) -> bytes:
        whole = answer(b"body of 13 by")
        return whole[: -len(b"body of 13 by")] if method == "HEAD" else whole

    service.backend.handler = handler
    got = await shared.ask(f"/{service.name}/x", method)
    assert service.backend.requests[0].line == f"{method} /x HTTP/1.1"
    assert got.get("Content-Length") == "13"
    assert got.body == (b"" if method == "HEAD" else b"body of 13 by")


async def test_large_headers_pass_both_ways(shared: Rig, service: Service) -> None:
    async def handler(request: Request) -> bytes:
        return answer(headers={"X-Large": "r" * 24_000})

    service.backend.handler = handler
    got = await shared.ask(f"/{service.name}/{'p' * 8000}", headers=["Cookie: " + "c" * 24_000])
    assert got.status == 200 and got.get("X-Large") == "r" * 24_000
    assert service.backend.requests[0].all("Cookie") == ["c" * 24_000]


def plain(got: Answer) -> bool:
    return b"nginx" not in got.body and b"<" not in got.body and got.get("Content-Type") == "text/plain"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /github_1-a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /github_1-a/ HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /github_1-a/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 400),
        (b"TRACE /github_1-a/ HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"POST /github_1-a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ],
)
async def test_a_request_that_nginx_refuses_is_refused_in_plain_words(shared: Rig, raw: bytes, status: int) -> None:
    got = await shared.send(raw)
    assert got.status == status and plain(got), got


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_path_of_its_own_that_a_page_names_leads_back_to_its_service(shared: Rig, scheme: str) -> None:
    """`href="/greeting"` in a page below `/github_…/`: a 307 keeps the method and the body of a form."""
    page = f"{scheme}://apps.example:8443/github_77_acme-shop_directly/guestbook?x=1"
    for path in ("/greeting?name=a%2Fb", "//elsewhere.test/x"):
        got = await shared.ask(path, headers=[f"Referer: {page}"])
        assert (got.status, got.get("location")) == (307, f"/github_77_acme-shop_directly{path}")


@pytest.mark.parametrize(
    "referer",
    [
        "http://elsewhere.test/github_77_acme-shop_directly/",
        "http://apps.example:8443.elsewhere/github_77_acme-shop_directly/",
        "http://apps.example:8443/other/github_77_acme-shop_directly/",
        "http://apps.example:8443/github_UPPER/",
        "apps.example:8443/github_77_acme-shop_directly/",
        "",
    ],
)
async def test_another_site_s_page_leads_nowhere(shared: Rig, referer: str) -> None:
    got = await shared.ask("/greeting", headers=[f"Referer: {referer}"])
    assert got.status == 404
