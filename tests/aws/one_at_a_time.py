"""moto's server runs a thread a request and locks nothing: two conditional writes may both pass. DynamoDB and SQS do
one thing with one item or message at a time, and so does moto with this."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from moto.dynamodb.models import DynamoDBBackend
from moto.sqs.models import SQSBackend

LOOK_S = 0.02
_turn = threading.RLock()


def take_turns(patch: pytest.MonkeyPatch) -> None:
    for name in ("put_item", "update_item", "delete_item", "transact_write_items"):
        patch.setattr(DynamoDBBackend, name, _in_turn(getattr(DynamoDBBackend, name)))
    for name in ("send_message", "delete_message", "change_message_visibility"):
        patch.setattr(SQSBackend, name, _in_turn(getattr(SQSBackend, name)))
    patch.setattr(SQSBackend, "receive_message", _receive(SQSBackend.receive_message))


def _in_turn(original: Callable[..., Any]) -> Callable[..., Any]:
    def in_turn(*arguments: Any, **named: Any) -> Any:
        with _turn:
            return original(*arguments, **named)

    return in_turn


def _receive(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever waits for a message doesn't keep the others from sending one."""

    def receive(self: SQSBackend, queue: str, count: int, wait: int, visibility: int, names: Any = None) -> Any:
        deadline = time.monotonic() + wait
        while True:
            with _turn:
                found = original(self, queue, count, 0, visibility, names)
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(LOOK_S)

    return receive
