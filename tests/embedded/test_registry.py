"""What the bot registers is what the router's process reads."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.embedded.registry import PROBE, UPSTREAM, SqliteRegistry

HELLO = "github_1-octo-hello"


class Router:
    """Answers as the router would: names who answered only to a probe with the right token."""

    def __init__(self) -> None:
        self.upstream = "127.80.0.1:8080"
        self.status = 200
        self.paths: list[str] = []
        router = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                router.paths.append(self.path)
                self.send_response(router.status)
                if self.headers.get(PROBE) == "token":
                    self.send_header(UPSTREAM, router.upstream)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def router() -> Iterator[Router]:
    made = Router()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
async def registry(tmp_path: Path, router: Router) -> AsyncIterator[SqliteRegistry]:
    url = f"http://127.0.0.1:{router.server.server_port}"
    made = SqliteRegistry(tmp_path / "registry.db", url, "token", ttl_s=1, valid_s=2)
    yield made
    await made.aclose()


async def test_addresses_are_added_and_taken_away_one_by_one(registry: SqliteRegistry) -> None:
    await registry.register(HELLO, ["127.80.0.1"], 8080)
    await registry.register(HELLO, ["127.80.0.2", "127.80.0.1"], 8080)
    assert list(await registry.addresses(HELLO)) == ["127.80.0.1", "127.80.0.2"]
    await registry.deregister(HELLO, ["127.80.0.1", "127.80.0.9"])
    assert list(await registry.addresses(HELLO)) == ["127.80.0.2"]
    assert list(await registry.addresses("other")) == []


async def test_the_routers_process_sees_it_at_once_and_tells_down_from_unknown(
    registry: SqliteRegistry, tmp_path: Path
) -> None:
    theirs = SqliteRegistry(tmp_path / "registry.db", "http://127.0.0.1:1", "token")
    assert theirs.lookup(HELLO) is None
    await registry.register(HELLO, ["127.80.0.1"], 8080)
    assert theirs.lookup(HELLO) == ["127.80.0.1"]
    await registry.deregister(HELLO, ["127.80.0.1"])
    assert theirs.lookup(HELLO) == []
    await theirs.aclose()


async def test_it_may_be_asked_from_any_thread(registry: SqliteRegistry) -> None:
    await registry.register(HELLO, ["127.80.0.1"], 8080)
    found: list[list[str] | None] = []
    threads = [threading.Thread(target=lambda: found.append(registry.lookup(HELLO))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["127.80.0.1"]] * 4


async def test_published_services_replace_the_earlier_ones(registry: SqliteRegistry) -> None:
    await registry.publish([("b", 8080), ("a", 9090)])
    assert registry.listed() == [("a", 9090), ("b", 8080)]
    await registry.publish([("a", 9090)])
    assert registry.listed() == [("a", 9090)]
    assert registry.lookup("b") == [], "a listed service is known, though it is down"


async def test_confirmed_is_who_answered_through_the_router(registry: SqliteRegistry, router: Router) -> None:
    assert await registry.confirm(HELLO, "127.80.0.1", "/actuator/health")
    assert router.paths == [f"/{HELLO}/actuator/health"]
    assert not await registry.confirm(HELLO, "127.80.0.2", "/")
    router.upstream = "127.80.0.9:8080, 127.80.0.1:8080"
    assert await registry.confirm(HELLO, "127.80.0.1", "/"), "the last of several that nginx tried"
    router.status = 502
    assert not await registry.confirm(HELLO, "127.80.0.1", "/")


async def test_a_router_that_is_down_confirms_nothing(tmp_path: Path) -> None:
    registry = SqliteRegistry(tmp_path / "registry.db", "http://127.0.0.1:9", "token")
    assert not await registry.confirm(HELLO, "127.80.0.1", "/")
    await registry.aclose()


async def test_draining_lasts_as_long_as_the_router_may_know_an_address(registry: SqliteRegistry) -> None:
    assert await registry.drain_seconds() == 1 + 2 + 1
