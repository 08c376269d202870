"""What the two queues on SQS share: messages in and out, putting back, burying. `inbox` and `view` tell them apart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Literal

import structlog

from bot.events import Event
from bot.ports import Job
from infra.aws.client import Client, Refused
from infra.aws.dynamo import Dynamo, Item, fit, number, text
from infra.aws.messages import Delivered, Message, Receipt, Unreadable, read

log = structlog.get_logger(__name__)

RETENTION_S = 14 * 86_400.0
"""The longest that SQS keeps a message, and so what is remembered of one."""
MAX_ATTEMPTS = 8
LONGEST_VISIBILITY_S = 43_000
"""A message may be put back for 12 h in all (ChangeMessageVisibility)."""
LONG_POLL_S = 3
"""Well under the client's read time-out."""
_ATTRIBUTES = ["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId"]


class Settled(Enum):
    """A message that is not to be worked on."""

    DROPPED = auto()
    """It is out of the queue."""
    PUT_BACK = auto()
    """It comes again later."""


@dataclass(frozen=True)
class QueueUrls:
    queue: str
    dead: str
    """Where dead letters go."""


class SqsQueue:
    """What both queues share: messages in and out, putting back, burying."""

    name: str

    def __init__(
        self,
        sqs: Client,
        dynamodb: Client,
        urls: QueueUrls,
        jobs: str,
        *,
        lease_s: float = 60.0,
        max_attempts: int = MAX_ATTEMPTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`jobs`: the table. `lease_s`: how long a job has before it is handed out again; Lambda's queues have their
        own visibility time-out, at least six times the function's."""
        self._sqs = sqs
        self._db = Dynamo(dynamodb)
        self._urls = urls
        self._jobs = jobs
        self._lease_s = lease_s
        self._max_attempts = max_attempts
        self._clock = clock

    async def lease(self, *, wait: float) -> Job | None:
        deadline = time.monotonic() + wait
        while True:
            left = max(0.0, deadline - time.monotonic())
            found = await self._sqs(
                "receive_message",
                QueueUrl=self._urls.queue,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=min(LONG_POLL_S, math.ceil(left)),
                VisibilityTimeout=math.ceil(self._lease_s),
                MessageSystemAttributeNames=_ATTRIBUTES,
                **self._asking(),
            )
            for message in found.get("Messages", []):
                taken = await self.take(Delivered.asked(message))
                if isinstance(taken, Job):
                    return taken
            if time.monotonic() >= deadline:
                return None

    async def take(self, delivered: Delivered) -> Job | Settled:
        """The job of a message that SQS has handed out."""
        raise NotImplementedError

    async def ack(self, job: Job) -> None:
        await self._delete(_receipt(job).handle)
        await self.done(job)

    async def done(self, job: Job) -> None:
        """What an acknowledged job leaves to do; its message is deleted by whoever handed it out."""

    async def hand_back(self, delivered: Delivered, *, after: float = 0.0, count: bool = False) -> None:
        """A message that became no job is due again; without `count` as if it had not been handed out."""
        await self._put_back(delivered.handle, after)

    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        raise NotImplementedError

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        raise NotImplementedError

    async def depth(self) -> Mapping[Literal["waiting", "leased", "dead"], int]:
        async def count(url: str) -> tuple[int, int]:
            wanted = [f"ApproximateNumberOfMessages{which}" for which in ("", "Delayed", "NotVisible")]
            found = await self._sqs("get_queue_attributes", QueueUrl=url, AttributeNames=wanted)
            visible, delayed, leased = (int(found["Attributes"].get(name, 0)) for name in wanted)
            return visible + delayed, leased

        waiting, leased = await count(self._urls.queue)
        return {"waiting": waiting, "leased": leased, "dead": sum(await count(self._urls.dead))}

    def _asking(self) -> dict[str, Any]:
        return {}

    def _job(self, message: Message, delivered: Delivered, attempts: int, lease: str = "") -> Job:
        receipt = Receipt(
            handle=delivered.handle, body=delivered.body, key=message.key, token=message.token, lease=lease
        )
        return Job(
            id=delivered.id,
            event=message.event,
            group=message.group,
            receipt=receipt.model_dump_json(),
            attempts=attempts,
            sent_at=delivered.sent_at,
        )

    async def _readable(self, delivered: Delivered) -> Message | None:
        """None: it was buried."""
        try:
            return read(delivered.body)
        except Unreadable as unreadable:
            log.error("a message can't be read", queue=self.name, id=delivered.id)
            await self._bury(delivered.id, delivered.handle, delivered.body, str(unreadable))
            return None

    async def _bury(self, message_id: str, handle: str, body: str, why: str) -> None:
        """Sent to the dead letters before it is deleted: a crash in between buries it twice."""
        await self._sqs(
            "send_message",
            QueueUrl=self._urls.dead,
            MessageBody=body,
            MessageAttributes={"why": {"DataType": "String", "StringValue": (why or "unknown")[:2000]}},
            **self._ordered(message_id, message_id),
        )
        await self._delete(handle)

    def _ordered(self, group: str, once: str) -> dict[str, str]:
        """What a FIFO queue wants to know besides."""
        return {}

    async def _delete(self, handle: str) -> None:
        try:
            await self._sqs("delete_message", QueueUrl=self._urls.queue, ReceiptHandle=handle)
        except Refused as refused:
            _only_if_late(refused)

    async def _put_back(self, handle: str, after: float) -> None:
        """Whole seconds, rounded up: work that waits for somebody else must not spin."""
        seconds = min(LONGEST_VISIBILITY_S, max(0, math.ceil(after)))
        try:
            await self._sqs(
                "change_message_visibility",
                QueueUrl=self._urls.queue,
                ReceiptHandle=handle,
                VisibilityTimeout=seconds,
            )
        except Refused as refused:
            _only_if_late(refused)

    def _expires(self, seconds: float = RETENTION_S) -> Item:
        return number(int(self._clock() + seconds))

    def _key(self, kind: str, of: str) -> Item:
        return {"id": text(fit(f"{self.name}#{kind}{of}"))}


def _receipt(job: Job) -> Receipt:
    return Receipt.model_validate_json(job.receipt)


_LATE = frozenset({"MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"})


def _only_if_late(refused: Refused) -> None:
    """A lease that ran out proves nothing any more: whoever has the message now says what becomes of it."""
    if refused.code.removeprefix("AWS.SimpleQueueService.") not in _LATE:
        raise refused
