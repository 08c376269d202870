"""What people see when a service isn't there, and what is tried again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from tests.router.rig import Answer, Request, Rig, answer, eventually, new_address

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOT_RUNNING = b"This service is not running now.\n"


def not_running(got: Answer) -> bool:
    return (got.status, got.body, got.get("Retry-After")) == (503, NOT_RUNNING, "5")


async def silent(request: Request) -> None:
    """It reads the request and closes the connection."""


async def test_an_unknown_service_is_404(shared: Rig) -> None:
    got = await shared.ask("/github_1-nobody/")
    assert (got.status, got.body) == (404, b"No service runs at this address.\n")


async def test_a_service_that_was_stopped_is_503_and_back_when_it_runs_again(shared: Rig) -> None:
    name = "github_2-stopped"
    async with shared.serving(name):
        await shared.list(name)
        assert (await shared.ask(f"/{name}/")).status == 200

    async def stopped() -> bool:
        return not_running(await shared.ask(f"/{name}/"))

    await eventually(stopped)
    assert not_running(await shared.ask(f"/{name}/x", "POST", body=b"x" * 100_000))
    async with shared.serving(name):

        async def back() -> bool:
            return (await shared.ask(f"/{name}/")).status == 200

        await eventually(back)


async def test_a_service_whose_instance_died_is_503(shared: Rig) -> None:
    name = "github_2-crashed"
    async with shared.serving(name) as backend:
        assert (await shared.ask(f"/{name}/")).status == 200
        await backend.kill()
        assert not_running(await shared.ask(f"/{name}/"))
        head = await shared.ask(f"/{name}/", "HEAD")
        assert (head.status, head.get("Retry-After"), head.get("Content-Length")) == (503, "5", str(len(NOT_RUNNING)))


async def test_an_instance_that_closes_without_an_answer_is_502_and_gets_a_post_once(shared: Rig) -> None:
    name = "github_2-silent"
    async with shared.serving(name, silent) as one, shared.serving(name, silent) as other:
        await shared.list(name)
        for body in (b"", b"x" * 200_000):
            got = await shared.ask(f"/{name}/", "POST", body=body)
            assert (got.status, got.body) == (502, b"The service closed the connection without an answer.\n")
        assert len(one.requests) + len(other.requests) == 2
        await shared.ask(f"/{name}/", "GET")
        assert len(one.requests) + len(other.requests) == 4, "a GET may be asked twice"


@pytest.mark.parametrize("listed", [False, True])
async def test_one_dead_instance_of_two_costs_no_request(shared: Rig, listed: bool) -> None:
    name = f"github_2-half-{listed}".lower()
    async with shared.serving(name) as backend:
        await shared.registry.register(name, [new_address()], shared.service_port)
        if listed:
            await shared.list(name)
        for method in ("GET", "POST") * 20:
            assert (await shared.ask(f"/{name}/", method, body=b"x" * 3000)).status == 200
        assert len(backend.requests) == 40


async def test_connections_to_a_listed_service_are_kept(shared: Rig) -> None:
    name = "github_2-kept"
    async with shared.serving(name) as backend:
        await shared.list(name)
        for _ in range(50):
            assert (await shared.ask(f"/{name}/")).status == 200
        assert backend.connections <= 2 * shared.config.workers


async def test_an_answer_that_does_not_come_is_504_and_is_not_asked_for_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path, settings={"read_timeout_s": 6})
    never = asyncio.Event()

    async def hang(request: Request) -> bytes:
        await never.wait()
        return answer()

    rig.start()
    try:
        async with rig.serving("github_2-late", hang) as one, rig.serving("github_2-late", hang) as other:
            got = await rig.ask("/github_2-late/")
            assert (got.status, got.body) == (504, b"The service did not answer in time.\n")
            assert len(one.requests) + len(other.requests) == 1
            never.set()
    finally:
        rig.stop()
        await rig.registry.aclose()


async def test_an_answer_that_takes_its_time_is_waited_for(shared: Rig) -> None:
    may_answer = asyncio.Event()

    async def slow(request: Request) -> bytes:
        await may_answer.wait()
        return answer(b"at last")

    async with shared.serving("github_2-slow", slow) as backend:
        asked = asyncio.create_task(shared.ask("/github_2-slow/"))

        async def arrived() -> bool:
            return bool(backend.requests)

        await eventually(arrived)
        asyncio.get_running_loop().call_later(1.5, may_answer.set)
        assert (await asked).body == b"at last"


async def test_a_registry_that_is_locked_keeps_listed_services_up(shared: Rig) -> None:
    name = "github_2-locked"
    async with shared.serving(name) as backend:
        await shared.list(name)
        before = len(backend.requests)
        (shared.home / "locked").touch()
        try:
            deadline = asyncio.get_running_loop().time() + 4
            while asyncio.get_running_loop().time() < deadline:  # several times as long as an answer is kept
                assert (await shared.ask(f"/{name}/")).status == 200
        finally:
            (shared.home / "locked").unlink()
        assert len(backend.requests) - before > 20


async def test_a_black_hole_is_left_after_a_second(shared: Rig) -> None:
    """Nothing accepts, and nothing refuses: as a deregistered address on AWS."""
    name = "github_2-hole"
    hole = new_address()
    with socket.socket() as full, contextlib.ExitStack() as held:
        full.bind((hole, shared.service_port))
        full.listen(0)
        for _ in range(2):  # the queue of connections nobody accepts
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((hole, shared.service_port))
        async with shared.serving(name):
            await shared.registry.register(name, [hole], shared.service_port)
            for _ in range(4):
                assert (await asyncio.wait_for(shared.ask(f"/{name}/"), 5)).status == 200
            await shared.registry.deregister(name, [hole])
