"""The inbox on SQS FIFO: in order within a group, a delivery done once in three days, dead letters that come back.

SQS forgets a deduplication id after five minutes, also that of a message that is done; so the `jobs` table remembers:

`inbox#delivery:<GUID>`   `expires`: this delivery was sent. Written *after* the message, so that a crash in between
                          sends it twice (once in effect, and once at all within five minutes) and never loses it.
`inbox#waiting#<key>`     `token`: of the message that waits under this key. Whoever sends reads or makes it, and sends
                          under it: SQS drops the second. Whoever takes the message up deletes it first, so that what is
                          sent from then on is a message of its own.
`<queue>#spared#<id>`     `times`: how often a message was put back for an outage, which uses up no attempt.
"""

from __future__ import annotations

import uuid
from typing import Any

from bot.errors import OurError
from bot.events import Event
from bot.ports import Job
from infra.aws.dynamo import Lost, nonce, number, text
from infra.aws.messages import Delivered, Message, Receipt, Unreadable, digest, read, write
from infra.aws.queue import Settled, SqsQueue
from infra.aws.tables import EXPIRES

REMEMBERED = "delivery:"
"""Keys that begin so name a webhook: done once, it is not done again."""
REMEMBER_S = 3 * 86_400.0
"""As long as GitHub can redeliver."""
_LONGEST_GROUP = 128
_DEAD_LOOKS = 20
_DEAD_VISIBILITY_S = 20


class SqsInbox(SqsQueue):
    """`bot.ports.Queue` on a FIFO queue. A job that is put back holds back its group until it is due."""

    name = "inbox"

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        if delay > 0:
            raise OurError("The inbox can't delay a message.", "SQS FIFO has no delay.", "Send it by the view's queue.")
        if key.startswith(REMEMBERED):
            await self._send_delivery(Message(key=key, group=group, event=event))
            return
        waiting = await self._db.update(
            self._jobs,
            self._key("waiting#", key),
            "SET #token = if_not_exists(#token, :token), #expires = :expires",
            names={"#token": "token", "#expires": EXPIRES},
            values={":token": text(nonce()), ":expires": self._expires()},
        )
        token = waiting["token"]["S"]
        await self._send(Message(key=key, group=group, token=token, event=event), once=digest(key, token))

    async def _send_delivery(self, message: Message) -> None:
        known = await self._db.get(self._jobs, self._key("", message.key))
        if known is not None and float(known[EXPIRES]["N"]) > self._clock():
            await self._revive(message.key)
            return
        await self._send(message, once=digest(message.key))
        await self._db.put(
            self._jobs, {**self._key("", message.key), EXPIRES: self._expires(REMEMBER_S), "at": number(self._clock())}
        )

    async def _send(self, message: Message, *, once: str) -> None:
        await self._sqs(
            "send_message",
            QueueUrl=self._urls.queue,
            MessageBody=write(message),
            **self._ordered(message.group, once),
        )

    async def _revive(self, key: str) -> None:
        """Send a dead letter of that key again, if there is one. Few are dead, and few are asked for again."""
        others: list[str] = []
        try:
            for _ in range(_DEAD_LOOKS):
                found = await self._sqs(
                    "receive_message",
                    QueueUrl=self._urls.dead,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=1,  # a look without waiting asks only some of SQS's machines
                    VisibilityTimeout=_DEAD_VISIBILITY_S,
                )
                letters = found.get("Messages", [])
                others += [letter["ReceiptHandle"] for letter in letters]
                for letter in letters:
                    if await self._revived(letter, key):
                        others.remove(letter["ReceiptHandle"])
                        return
                if not letters:
                    return
        finally:
            for handle in others:
                await self._sqs(
                    "change_message_visibility", QueueUrl=self._urls.dead, ReceiptHandle=handle, VisibilityTimeout=0
                )

    async def _revived(self, letter: dict[str, Any], key: str) -> bool:
        try:
            message = read(letter["Body"])
        except Unreadable:
            return False
        if message.key != key:
            return False
        await self._send(message, once=digest(key, letter["MessageId"]))
        await self._sqs("delete_message", QueueUrl=self._urls.dead, ReceiptHandle=letter["ReceiptHandle"])
        return True

    async def take(self, delivered: Delivered) -> Job | Settled:
        message = await self._readable(delivered)
        if message is None:
            return Settled.DROPPED
        attempts = delivered.received - await self._spared(delivered)
        if attempts > self._max_attempts:
            await self._bury(delivered.id, delivered.handle, delivered.body, "Its worker died each time.")
            return Settled.DROPPED
        if message.token:
            await self._no_longer_waiting(message)
        return self._job(message, delivered, attempts)

    async def _no_longer_waiting(self, message: Message) -> None:
        try:
            await self._db.update(
                self._jobs,
                self._key("waiting#", message.key),
                "REMOVE #token",
                condition="#token = :token",
                names={"#token": "token"},
                values={":token": text(message.token)},
            )
        except Lost:
            return  # taken up before, and put back

    async def _spared(self, delivered: Delivered) -> int:
        if delivered.received == 1:
            return 0
        known = await self._db.get(self._jobs, self._key("spared#", delivered.id))
        return int(known["times"]["N"]) if known else 0

    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        receipt = Receipt.model_validate_json(job.receipt)
        if count and job.attempts >= self._max_attempts:
            await self._bury(job.id, receipt.handle, receipt.body, why)
            return
        if not count:
            await self._spare(job.id)
        await self._put_back(receipt.handle, after)

    async def hand_back(self, delivered: Delivered, *, after: float = 0.0, count: bool = False) -> None:
        if not count:
            await self._spare(delivered.id)
        await super().hand_back(delivered, after=after)

    async def _spare(self, message_id: str) -> None:
        await self._db.update(
            self._jobs,
            self._key("spared#", message_id),
            "ADD #times :one SET #expires = :expires",
            names={"#times": "times", "#expires": EXPIRES},
            values={":one": number(1), ":expires": self._expires()},
        )

    def _asking(self) -> dict[str, Any]:
        # asked again after a lost answer, SQS hands out the same messages, and not none until their lease ends
        return {"ReceiveRequestAttemptId": uuid.uuid4().hex}

    def _ordered(self, group: str, once: str) -> dict[str, str]:
        name = group if len(group) <= _LONGEST_GROUP else digest(group)
        return {"MessageGroupId": name, "MessageDeduplicationId": digest(once)}
