"""What stands in an SQS message, whichever way it arrives: asked for, or pushed to Lambda."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from typing import Any

from pydantic import ValidationError

from bot.errors import OurError
from bot.events import Event
from bot.model import Record

MOST = 1024 * 1024
"""Bytes of a message (SQS quotas; the queue's `MaximumMessageSize` must say so, too)."""
LARGE = 64 * 1024
"""Above this it is compressed: SQS counts a request for each 64 KiB begun."""
_COMPRESSED = "z:"
_REFUSED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS doesn't take in a message (SendMessage, "Important")."""


class Unreadable(OurError):
    """A message that no WhaleRay has sent, or one of another version."""


class Message(Record):
    """`token` tells this sending of `key` from others; `due`: epoch seconds, 0 at once."""

    key: str
    group: str
    token: str = ""
    due: float = 0.0
    event: Event


class Delivered(Record):
    """One message as SQS hands it out."""

    id: str
    handle: str
    body: str
    received: int
    """How often it was handed out, this time included."""
    sent_at: float

    @classmethod
    def asked(cls, message: dict[str, Any]) -> Delivered:
        """Of `ReceiveMessage`'s answer."""
        return cls._of(message["MessageId"], message["ReceiptHandle"], message["Body"], message["Attributes"])

    @classmethod
    def pushed(cls, record: dict[str, Any]) -> Delivered:
        """Of the event that Lambda is called with."""
        return cls._of(record["messageId"], record["receiptHandle"], record["body"], record["attributes"])

    @classmethod
    def _of(cls, message_id: str, handle: str, body: str, attributes: dict[str, str]) -> Delivered:
        return cls(
            id=message_id,
            handle=handle,
            body=body,
            received=int(attributes["ApproximateReceiveCount"]),
            sent_at=int(attributes["SentTimestamp"]) / 1000,
        )


class Receipt(Record):
    """What `bot.ports.Job.receipt` holds: the proof of a lease."""

    handle: str
    body: str
    key: str
    token: str
    lease: str = ""
    """Tells this handing out of the message from another one."""


def write(message: Message) -> str:
    """The body of a message. Raises OurError for one that no queue takes."""
    body = message.model_dump_json()
    if len(body.encode()) > LARGE or _REFUSED.search(body):
        body = _COMPRESSED + base64.b64encode(zlib.compress(body.encode(), 6)).decode()
    if len(body) > MOST:
        raise OurError(
            f"An event {message.event.type} has {len(body)} bytes, and SQS takes {MOST}.", "It was compressed already."
        )
    return body


def read(body: str) -> Message:
    """Raises Unreadable."""
    try:
        if body.startswith(_COMPRESSED):
            unpack = zlib.decompressobj()
            body = unpack.decompress(base64.b64decode(body[len(_COMPRESSED) :], validate=True), 32 * MOST).decode()
        return Message.model_validate_json(body)
    except (ValueError, ValidationError, zlib.error) as error:
        raise Unreadable("A message can't be read.", f"{type(error).__name__}.") from error


def digest(*parts: str) -> str:
    """A deduplication or group id: SQS takes 128 characters, and not all of them."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
