"""Webhooks: signed, sent in order per repository, never repeated by themselves; kept to be listed and redelivered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.sandbox.records import App, Installation, Repository, iso
from infra.sandbox.world import World

TIMEOUT_S = 10.0
"""GitHub gives up then."""
BY_THEMSELVES = frozenset({"ping", "installation", "installation_repositories", "github_app_authorization"})
"""Sent to every App, subscribed or not."""
_NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The bot is on this machine, by plain http; reading the system's certificates would take longer than all else."""


@dataclass(eq=False)
class Delivery:
    """One attempt to deliver; a redelivery is another one with the same `guid`."""

    id: int
    guid: str
    app: App
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    body: bytes
    at: float
    redelivery: bool = False
    status: str = "pending"
    status_code: int = 0
    """0: no answer."""
    duration: float = 0.0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def done(self) -> bool:
        return self.status != "pending"

    def shape(self, web: str, *, whole: bool = False) -> dict[str, Any]:
        listed = {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": iso(self.at),
            "redelivery": self.redelivery,
            "duration": round(self.duration, 2),
            "status": self.status,
            "status_code": self.status_code,
            "event": self.event,
            "action": self.action,
            "installation_id": self.installation_id,
            "repository_id": self.repository_id,
            "throttled_at": None,
        }
        if not whole:
            return listed
        return listed | {
            "url": self.app.webhook_url,
            "request": {"headers": self.request_headers, "payload": self.payload},
            "response": {"headers": self.response_headers, "payload": self.response_body},
        }


class Hooks:
    """`start` and `stop` run in the server's event loop; `send` may be called by any thread."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: dict[str, asyncio.Queue[Delivery]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._client: httpx.AsyncClient | None = None
        self._down = 0
        self.deliveries: list[Delivery] = []

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=_NO_TRUST)

    async def stop(self) -> None:
        self._loop = None
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()
        self._queues.clear()
        for delivery in self.deliveries:
            if not delivery.done:
                self._end(delivery, "failed to connect to host", 0)
        if self._client is not None:
            await self._client.aclose()

    @contextmanager
    def down(self) -> Iterator[None]:
        """While inside, deliveries are recorded as failed and never leave."""
        self._down += 1
        try:
            yield
        finally:
            self._down -= 1

    def emit(self, event: str, repository: Repository, payload: dict[str, Any], only: App | None = None) -> None:
        """To every App that is installed there, active and subscribed; or to one of them only."""
        for installation in self._world.installations_on(repository):
            subscribed = event in BY_THEMSELVES or event in installation.app.events
            if subscribed and installation.suspended_at is None and only in (None, installation.app):
                self.send(event, installation, payload, repository)

    def send(
        self, event: str, installation: Installation, payload: dict[str, Any], repository: Repository | None = None
    ) -> Delivery:
        body = payload
        if event not in BY_THEMSELVES:
            reference = {"id": installation.id, "node_id": f"MDIzOkluc3RhbGxhdGlvbg{installation.id}"}
            body = {**payload, "installation": reference}
        return self.deliver(
            installation.app, event, body, installation.id, repository.id if repository is not None else None
        )

    def deliver(
        self, app: App, event: str, payload: dict[str, Any], installation: int | None, repository: int | None
    ) -> Delivery:
        delivery = Delivery(
            id=self._world.new_id("delivery"),
            guid=str(uuid.uuid4()),
            app=app,
            event=event,
            action=payload.get("action"),
            installation_id=installation,
            repository_id=repository,
            body=json.dumps(payload, ensure_ascii=False).encode(errors="replace"),
            at=self._world.now(),
        )
        self._enqueue(delivery)
        return delivery

    def redeliver(self, earlier: Delivery) -> Delivery:
        again = Delivery(
            id=self._world.new_id("delivery"),
            guid=earlier.guid,
            app=earlier.app,
            event=earlier.event,
            action=earlier.action,
            installation_id=earlier.installation_id,
            repository_id=earlier.repository_id,
            body=earlier.body,
            at=self._world.now(),
            redelivery=True,
        )
        self._enqueue(again)
        return again

    def _enqueue(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self._down or self._loop is None:
            self._end(delivery, "failed to connect to host", 0)
            return
        self._loop.call_soon_threadsafe(self._put, delivery)

    def _put(self, delivery: Delivery) -> None:
        group = f"{delivery.app.id}/{delivery.repository_id or delivery.installation_id}"
        queue = self._queues.get(group)
        if queue is None:
            queue = self._queues[group] = asyncio.Queue()
            self._workers.append(asyncio.create_task(self._work(queue)))
        queue.put_nowait(delivery)

    async def _work(self, queue: asyncio.Queue[Delivery]) -> None:
        while True:
            await self._attempt(await queue.get())

    async def _attempt(self, delivery: Delivery) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        delivery.request_headers = self._headers(delivery)
        if self._client is None:
            return
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.post(
                    delivery.app.webhook_url, content=delivery.body, headers=delivery.request_headers
                )
        except (TimeoutError, httpx.TimeoutException):
            self._end(delivery, "timed out", 0)
        except (httpx.HTTPError, httpx.InvalidURL):
            self._end(delivery, "failed to connect to host", 0)
        else:
            delivery.response_headers = dict(answer.headers)
            delivery.response_body = answer.text[:10_000]
            self._end(delivery, "OK" if answer.is_success else answer.reason_phrase, answer.status_code)
        finally:
            delivery.duration = loop.time() - began

    def _end(self, delivery: Delivery, status: str, code: int) -> None:
        delivery.status_code = code
        delivery.status = status

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        signature = hmac.new(delivery.app.webhook_secret.encode(), delivery.body, hashlib.sha256).hexdigest()
        legacy = hmac.new(delivery.app.webhook_secret.encode(), delivery.body, hashlib.sha1).hexdigest()
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(delivery.app.id),
            "X-GitHub-Hook-Installation-Target-ID": str(delivery.app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature": f"sha1={legacy}",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
