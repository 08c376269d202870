"""POST /webhook: what is accepted, what is refused and why, and that nothing GitHub sends is an error."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import payloads
from bot import webhook as webhook_module
from bot.errors import Outage
from bot.events import Event, Push
from bot.ports import Job
from bot.serve import listen
from bot.web import create_app
from bot.webhook import MAX_BODY, Webhook
from tests.support.webhooks import SERVERS, description, examples
from tests.web.conftest import GUID, SECRETS, Site, signed

PUSH = next(d.payload for d in examples() if d.name == "push" and d.payload["ref"] == "refs/heads/master")


def push() -> dict[str, Any]:
    return {**PUSH, "installation": {"id": 1}}


async def test_a_push_waits_in_the_inbox_when_it_is_accepted(site: Site) -> None:
    answer = await site.deliver("push", push())
    assert (answer.status_code, answer.text) == (202, "accepted\n")
    [event] = await site.received()
    assert isinstance(event, Push)
    assert (event.delivery, event.branch, event.repository.id) == (GUID, "master", 186853002)


async def test_a_redelivery_is_accepted_and_not_done_twice(site: Site) -> None:
    for _ in range(3):
        assert (await site.deliver("push", push())).status_code == 202
    assert len(await site.received()) == 1
    assert (await site.deliver("push", push())).status_code == 202
    assert await site.received() == []


async def test_every_real_delivery_is_accepted(site: Site) -> None:
    """As a repository's webhook gets it and as an App does, github.com's and each Enterprise Server's."""
    sent = [d for server in ("api.github.com", *SERVERS) for d in examples(server)]
    answers: list[tuple[str, int]] = []
    for number, delivery in enumerate(sent):
        for payload in (delivery.payload, {**delivery.payload, "installation": {"id": 1}}):
            answer = await site.deliver(delivery.name, payload, guid=f"{number}-{len(payload)}")
            answers.append((delivery.name, answer.status_code))
    assert len(sent) == 329 + 397
    assert set(answers) == {(name, 200 if name == "ping" else 202) for name, _ in answers}


async def test_a_delivery_made_of_each_described_schema_is_accepted(site: Site) -> None:
    made = list(description().made())
    answers = {(d.name, (await site.deliver(d.name, d.payload, guid=str(d.number))).status_code) for d in made}
    assert answers == {(d.name, 200 if d.name == "ping" else 202) for d in made}
    assert len(await site.received()) > 30


@pytest.mark.parametrize("secret", SECRETS)
async def test_two_secrets_hold_while_one_replaces_the_other(site: Site, secret: str) -> None:
    assert (await site.deliver("push", push(), secret=secret)).status_code == 202


@pytest.mark.parametrize("signature", [b"", b"sha256=" + b"0" * 64, b"sha256=\xe9", b"0" * 64, b"sha1=" + b"0" * 40])
async def test_a_forged_delivery_is_refused(site: Site, signature: bytes) -> None:
    body = json.dumps(push()).encode()
    headers = {name.encode(): value.encode() for name, value in signed("push", body).items()}
    answer = await site.http.post("/webhook", content=body, headers={**headers, b"X-Hub-Signature-256": signature})
    assert answer.status_code == 401
    assert "X-Hub-Signature-256" in answer.text
    assert await site.received() == []


async def test_a_signature_is_of_every_byte(site: Site) -> None:
    body = json.dumps(push()).encode()
    answer = await site.http.post("/webhook", content=body + b" ", headers=signed("push", body))
    assert answer.status_code == 401
    answer = await site.deliver("push", push(), secret="not-the-secret")
    assert answer.status_code == 401
    assert await site.received() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"\xff", b'"push"', b"[" * 50_000])
async def test_what_is_no_json_object_is_malformed(site: Site, body: bytes) -> None:
    answer = await site.deliver("push", body)
    assert answer.status_code == 400
    assert "can't be read" in answer.text


async def test_a_form_is_answered_with_the_setting_that_is_wrong(site: Site) -> None:
    answer = await site.deliver("push", b"payload=%7B%7D", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert "application/json" in answer.text


@pytest.mark.parametrize("missing", ["X-GitHub-Event", "X-GitHub-Delivery"])
async def test_a_delivery_without_a_name_is_malformed(site: Site, missing: str) -> None:
    assert (await site.deliver("push", push(), **{missing: ""})).status_code == 400
    assert (await site.deliver("push", push(), **{missing: "x" * 101})).status_code == 400


async def test_a_ping_is_answered(site: Site) -> None:
    answer = await site.deliver("ping", {"zen": "Keep it logically awesome."})
    assert (answer.status_code, answer.text) == (200, "pong\n")


class Broken:
    """A queue that takes nothing."""

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        raise Outage("The disk is full.")

    async def lease(self, *, wait: float) -> Job | None:
        raise Outage("The disk is full.")

    async def ack(self, job: Job) -> None:
        raise Outage("The disk is full.")

    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        raise Outage("The disk is full.")

    async def depth(self) -> Mapping[Literal["waiting", "leased", "dead"], int]:
        raise Outage("The disk is full.")


async def test_what_can_t_be_stored_is_refused_so_that_github_can_send_it_again(site: Site) -> None:
    app = create_app(dataclasses.replace(site.runtime.ports, inbox=Broken()), site.runtime.web)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bot.example") as http:
        body = json.dumps(push()).encode()
        answer = await http.post("/webhook", content=body, headers=signed("push", body))
        assert answer.status_code == 503
        assert "disk" not in answer.text  # what is wrong with this machine is not GitHub's business
        metrics = await http.get("/metrics")
        assert 'whaleray_deliveries_total{event="push",status="503"}' in metrics.text
    assert (await site.deliver("push", push())).status_code == 202


async def test_a_database_that_somebody_else_holds_refuses_too(site: Site, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "home" / "queue.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert (await site.deliver("push", push())).status_code == 503
        readiness = await site.http.get("/readyz")
        assert readiness.status_code == 503
        assert "queue.db is held by another process" in readiness.text
        other.execute("ROLLBACK")
    assert (await site.deliver("push", push())).status_code == 202
    assert len(await site.received()) == 1


@pytest.fixture
async def wire(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """The same application behind a real server."""
    sock = listen("127.0.0.1", 0)
    sock.listen()  # from here on the kernel takes connections in, and nobody has to wait for the server
    server = uvicorn.Server(uvicorn.Config(site.app, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([sock]))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        yield http
    server.should_exit = True
    await serving


def padded(size: int) -> bytes:
    body = json.dumps({**push(), "padding": ""}).encode()
    return body[:-2] + b"x" * (size - len(body)) + body[-2:]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_up_to_github_s_own_cap_is_taken_and_no_larger(
    site: Site, wire: httpx.AsyncClient, chunked: bool
) -> None:
    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1 << 20):
            yield body[start : start + (1 << 20)]

    for size, status in ((MAX_BODY, 202), (MAX_BODY + 1, 413)):
        body = padded(size)
        assert len(body) == size
        content = chunks(body) if chunked else body
        answer = await wire.post("/webhook", content=content, headers=signed("push", body, guid=str(size)))
        assert answer.status_code == status
    [event] = await site.received()
    assert isinstance(event, Push)
    assert event.delivery == str(MAX_BODY)
    assert (await wire.get("/healthz")).status_code == 200


async def test_a_body_that_ends_early_harms_nobody(site: Site, wire: httpx.AsyncClient) -> None:
    stream = await anyio.connect_tcp("127.0.0.1", wire.base_url.port or 0)
    await stream.send(b"POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000\r\n\r\n{")
    await stream.aclose()
    assert (await wire.get("/healthz")).status_code == 200
    assert await site.received() == []


class Unfinished:
    """A request without a signature, whose body comes as far as `size` and no further until it is let go."""

    def __init__(self, webhook: Webhook, size: int) -> None:
        self.arrived, self._let_go = anyio.Event(), anyio.Event()
        self.status = 0
        self._webhook = webhook
        self._left = size

    async def run(self) -> None:
        scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": []}
        await self._webhook(scope, self._receive, self._send)
        self.arrived.set()

    def let_go(self) -> None:
        self._let_go.set()

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._left <= 0:
            self.arrived.set()
            await self._let_go.wait()
            return {"type": "http.disconnect"}
        self._left -= 1 << 20
        return {"type": "http.request", "body": b"x" * (1 << 20), "more_body": True}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)


async def test_strangers_can_t_fill_the_memory_with_bodies_that_never_end(site: Site) -> None:
    webhook = Webhook(site.runtime.ports, SECRETS)
    requests = [Unfinished(webhook, MAX_BODY) for _ in range(12)]
    async with anyio.create_task_group() as group:
        for request in requests:
            group.start_soon(request.run)
            await request.arrived.wait()
        assert [request.status for request in requests].count(503) == 7
        small = Unfinished(webhook, 0)
        group.start_soon(small.run)
        await small.arrived.wait()
        assert small.status == 0, "a delivery of the usual size is held up by them"
        for request in (*requests, small):
            request.let_go()
    again = Unfinished(webhook, MAX_BODY)
    async with anyio.create_task_group() as group:
        group.start_soon(again.run)
        await again.arrived.wait()
        assert again.status == 0, "what they held was not given back"
        again.let_go()


async def test_a_body_that_does_not_arrive_in_time_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "BODY_S", 0.05)
    slow = Unfinished(Webhook(site.runtime.ports, SECRETS), 0)
    await slow.run()
    assert slow.status == 408


RUBBISH = st.binary(max_size=64) | st.dictionaries(
    st.sampled_from(("action", "repository", "installation", "ref", "comment", "sender")),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
).map(lambda value: json.dumps(value).encode())


@given(name=st.sampled_from(sorted({*payloads.HANDLED, "ping", "star", "x"})), body=RUBBISH)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_rubbish_that_is_signed_is_accepted_or_malformed(site: Site, name: str, body: bytes) -> None:
    answer = await site.deliver(name, body)
    assert answer.status_code in (200, 202, 400)


@given(header=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80), body=st.binary(max_size=64))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_rubbish_that_is_not_signed_is_refused(site: Site, header: str, body: bytes) -> None:
    answer = await site.http.post("/webhook", content=body, headers={"X-Hub-Signature-256": header})
    assert answer.status_code == 401


async def test_deliveries_are_counted_by_names_that_nobody_can_make_up(site: Site) -> None:
    await site.deliver("push", push())
    await site.deliver("made_up_by_a_stranger", {})
    text = (await site.http.get("/metrics")).text
    assert re.search(r'whaleray_deliveries_total\{event="push",status="202"\} [1-9]', text)
    assert "made_up" not in text
    assert 'whaleray_queue_jobs{queue="inbox",state="waiting"} 1.0' in text
    assert 'whaleray_deployments_in_flight{stage="BUILDING"} 0.0' in text
