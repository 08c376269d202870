"""`POST /webhook`: a delivery from GitHub is verified, read and stored before it is acknowledged.

Plain ASGI, in front of FastAPI: a busy organisation sends thousands a minute, and finding the route and wrapping
request and answer would cost as much as the work itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Sequence

import structlog
from starlette.types import Receive, Scope, Send

from bot import metrics, payloads
from bot.errors import WhaleRayError
from bot.events import Event, group_of
from bot.ports import Ports

log = structlog.get_logger(__name__)

PATH = "/webhook"
MAX_BODY = 25 * 1024 * 1024
"""GitHub's own cap on a payload."""
BODY_S = 10.0
"""GitHub waits this long for an answer: a body that takes longer to arrive isn't its, or is sent in vain."""
SMALL = 256 * 1024
MAX_HELD = 5 * MAX_BODY
"""Bytes beyond the small beginnings of all bodies that are arriving: whose they are is known only when they are whole,
and nobody may fill the memory meanwhile. Deliveries have some 30 KiB and are not held up by who tries."""
_MAX_NAME = 100
_TYPE = (b"content-type", b"text/plain; charset=utf-8")


class _Unread(Exception):
    """A body that is not read to its end."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Webhook:
    """An ASGI application. `secrets`: several while rotating."""

    def __init__(self, ports: Ports, secrets: Sequence[str]) -> None:
        self._ports = ports
        self._secrets = [secret.encode() for secret in secrets]
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(reversed(scope["headers"]))  # of several of a name the first counts
        status, words = await self._answer(headers, receive)
        event = _text(headers, b"x-github-event")
        metrics.DELIVERIES.labels(event if event in payloads.HANDLED else "other", str(status)).inc()
        body = f"{words}\n".encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [length, _TYPE]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, headers: dict[bytes, bytes], receive: Receive) -> tuple[int, str]:
        try:
            async with asyncio.timeout(BODY_S):  # a fifth of what anyio's own costs, and this is the hot path
                body = await self._body(headers, receive)
        except _Unread as unread:
            return unread.status, unread.words
        except TimeoutError:
            return 408, f"The body did not arrive within {BODY_S:.0f} s."
        if not self._authentic(body, headers.get(b"x-hub-signature-256", b"")):
            return 401, "The signature in X-Hub-Signature-256 is missing or does not match the webhook secret."
        name, delivery = _text(headers, b"x-github-event"), _text(headers, b"x-github-delivery")
        if not name or not delivery or len(name) > _MAX_NAME or len(delivery) > _MAX_NAME:
            return 400, "X-GitHub-Event and X-GitHub-Delivery are needed."
        if name == "ping":
            return 200, "pong"
        if _text(headers, b"content-type").startswith("application/x-www-form-urlencoded"):
            return 400, "The body is a form. Set the content type of the App's webhook to application/json."
        try:
            event = payloads.parse(name, delivery, body, self._ports.clock())
        except payloads.Malformed as malformed:
            return 400, f"The body can't be read: {malformed}."
        if event is None:
            return 202, "accepted; nothing to do"
        return await self._accept(event, delivery)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The raw body. Raises _Unread, as soon as it is known to be too large too."""
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and (len(declared) > 9 or int(declared) > MAX_BODY):
            raise _Unread(413, f"The body is larger than {MAX_BODY} bytes.")
        chunks: list[bytes] = []
        size, held, more = 0, 0, True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Unread(400, "The body ended early.")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > MAX_BODY:
                    raise _Unread(413, f"The body is larger than {MAX_BODY} bytes.")
                before, held = held, max(0, size - SMALL)
                self._held += held - before
                if self._held > MAX_HELD:
                    raise _Unread(503, "Too many large deliveries arrive at once; redeliver it later.")
                chunks.append(chunk)
                more = message.get("more_body", False)
        finally:
            self._held -= held
        return b"".join(chunks)

    def _authentic(self, body: bytes, signature: bytes) -> bool:
        return any(
            hmac.compare_digest(b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode(), signature)
            for secret in self._secrets
        )

    async def _accept(self, event: Event, delivery: str) -> tuple[int, str]:
        try:
            await self._ports.inbox.send(event, group=group_of(event), key=f"delivery:{delivery}")
        except WhaleRayError as error:
            log.error("the queue can't be written", error=str(error), delivery=delivery)
            return 503, "The delivery could not be stored; redeliver it later."
        return 202, "accepted"


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
