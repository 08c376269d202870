"""The view on SQS standard: delayed, coalesced by key, one job of a group at a time.

A standard queue knows neither keys nor groups. The `jobs` table has an item for each group, `view#<group>`:

`w:<key>`   the message that waits under that key: its `token`, when it is `due`, the `attempts` used up, and whether
            it is `sent`. Written before the message, so that whoever finds it unsent (a crash fell between) sends it
            again. An earlier due time replaces it; the message of the replaced token is dropped when it arrives.
`l:<token>` attempts of a message that was taken up and has not been acknowledged: what is handed out again because
            its worker died is worked on, though it waits no more.
`owner`, `until`: the lease whose job is at work, and how long it has.
"""

from __future__ import annotations

import math
from typing import Any

from bot.errors import Outage
from bot.events import Event
from bot.ports import Job
from infra.aws.dynamo import Item, Lost, fit, nonce, number, text
from infra.aws.messages import Delivered, Message, Receipt, write
from infra.aws.queue import LONGEST_VISIBILITY_S, Settled, SqsQueue
from infra.aws.tables import EXPIRES

LONGEST_DELAY_S = 900
"""SQS's own (SendMessage, `DelaySeconds`); what is due later is put back once it has arrived."""
OVERDUE_S = 300.0
"""A message that should have arrived this long ago is not counted on."""
BUSY_S = 1
_FREE = "(attribute_not_exists(#owner) OR #until < :now)"


class SqsView(SqsQueue):
    """`bot.ports.Queue` on a standard queue."""

    name = "view"

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        now = self._clock()
        message = Message(key=key, group=group, token=nonce(), due=now + delay, event=event)
        waiting = await self._wait(message)
        if waiting is None:
            return
        await self._sqs(
            "send_message",
            QueueUrl=self._urls.queue,
            MessageBody=write(waiting),
            DelaySeconds=min(LONGEST_DELAY_S, max(0, math.ceil(waiting.due - now))),
        )
        await self._sent(waiting)

    async def _wait(self, message: Message) -> Message | None:
        """What is to be sent so that the key waits; None where it is on its way already, and early enough."""
        try:
            await self._db.update(
                self._jobs,
                self._group(message.group),
                "SET #w = :w, #expires = :expires",
                condition="attribute_not_exists(#w) OR #w.due > :due OR #w.due < :overdue",
                names=_names(message, "#w", "#expires"),
                values={
                    ":w": _waiting(message, sent=False),
                    ":due": number(message.due),
                    ":overdue": number(self._clock() - OVERDUE_S),
                    ":expires": self._expires(),
                },
            )
        except Lost as lost:
            before = (lost.old or {}).get(_w(message.key))
            if before is None:
                raise Outage("Another write was at the same view.") from lost
            if before["M"]["sent"]["BOOL"]:
                return None
            token, due = before["M"]["token"]["S"], float(before["M"]["due"]["N"])
            return message.model_copy(update={"token": token, "due": due})
        return message

    async def _sent(self, message: Message) -> None:
        try:
            await self._db.update(
                self._jobs,
                self._group(message.group),
                "SET #w.sent = :yes",
                condition="#w.#token = :token",
                names={**_names(message, "#w"), "#token": "token"},
                values={":yes": {"BOOL": True}, ":token": text(message.token)},
            )
        except Lost:
            return  # taken up, or replaced by an earlier one

    async def take(self, delivered: Delivered) -> Job | Settled:
        message = await self._readable(delivered)
        if message is None:
            return Settled.DROPPED
        early = message.due - self._clock()
        if early > 1:
            await self._put_back(delivered.handle, min(early, LONGEST_VISIBILITY_S))
            return Settled.PUT_BACK
        lease = nonce()
        taken = await self._lease_group(message, lease)
        match taken:
            case Settled.DROPPED:
                await self._delete(delivered.handle)
                return taken
            case Settled.PUT_BACK:
                await self._put_back(delivered.handle, BUSY_S)
                return taken
            case int(attempts):
                job = self._job(message, delivered, attempts, lease)
                if attempts > self._max_attempts:
                    await self._give_up(job, "Its worker died each time.")
                    return Settled.DROPPED
                return job

    async def _lease_group(self, message: Message, lease: str) -> int | Settled:
        """The attempts, this one included."""
        now = self._clock()
        values = {
            ":token": text(message.token),
            ":lease": text(lease),
            ":now": number(now),
            ":until": number(now + self._lease_s),
            ":one": number(1),
            ":expires": self._expires(),
        }
        names = _names(message, "#w", "#l", "#owner", "#until", "#expires") | {"#token": "token"}
        lock = "#owner = :lease, #until = :until, #expires = :expires"
        try:
            item = await self._db.update(
                self._jobs,
                self._group(message.group),
                f"SET {lock}, #l = #w.attempts + :one REMOVE #w",
                condition=f"#w.#token = :token AND {_FREE}",
                names=names,
                values=values,
            )
        except Lost as lost:
            waits = (lost.old or {}).get(_w(message.key), {}).get("M", {}).get("token")
            if waits == values[":token"]:
                return Settled.PUT_BACK
            return await self._lease_again(message, lost.old, lock, names, values)
        return int(item[_l(message.token)]["N"])

    async def _lease_again(
        self, message: Message, old: Item | None, lock: str, names: dict[str, str], values: dict[str, Item]
    ) -> int | Settled:
        """A message that was taken up before, by a worker that died; or one that nothing is known of any more."""
        if old is not None and _l(message.token) not in old:
            return Settled.DROPPED
        try:
            item = await self._db.update(
                self._jobs,
                self._group(message.group),
                f"SET {lock}, #l = if_not_exists(#l, :zero) + :one",
                condition=f"(attribute_exists(#l) OR attribute_not_exists(#id)) AND {_FREE}",
                names={**{name: to for name, to in names.items() if name not in ("#w", "#token")}, "#id": "id"},
                values={**{name: value for name, value in values.items() if name != ":token"}, ":zero": number(0)},
            )
        except Lost:
            return Settled.PUT_BACK  # at work, or just done: the next look tells
        return int(item[_l(message.token)]["N"])

    async def done(self, job: Job) -> None:
        """The group is free for its next job."""
        await self._free(job, Receipt.model_validate_json(job.receipt))

    async def _free(self, job: Job, receipt: Receipt) -> None:
        try:
            await self._db.update(
                self._jobs,
                self._group(job.group),
                "REMOVE #owner, #until, #l",
                condition="#owner = :lease",
                names={"#owner": "owner", "#until": "until", "#l": _l(receipt.token)},
                values={":lease": text(receipt.lease)},
            )
        except Lost:
            return  # its lease ran out

    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        """It waits under its key again, unless a later sending waits there already: then that one is enough."""
        if count and job.attempts >= self._max_attempts:
            await self._give_up(job, why)
            return
        receipt = Receipt.model_validate_json(job.receipt)
        due = self._clock() + after
        message = Message(key=receipt.key, group=job.group, token=receipt.token, due=due, event=job.event)
        used = job.attempts if count else job.attempts - 1
        try:
            item = await self._db.update(
                self._jobs,
                self._group(job.group),
                "SET #w = if_not_exists(#w, :w), #expires = :expires REMOVE #owner, #until, #l",
                condition="#owner = :lease",
                names=_names(message, "#w", "#l", "#owner", "#until", "#expires"),
                values={
                    ":w": _waiting(message, sent=True, attempts=used),
                    ":lease": text(receipt.lease),
                    ":expires": self._expires(),
                },
            )
        except Lost:
            return  # its lease ran out: who has it now says what becomes of it
        if item[_w(receipt.key)]["M"]["token"]["S"] != receipt.token:
            await self._delete(receipt.handle)
        else:
            await self._put_back(receipt.handle, after)

    async def _give_up(self, job: Job, why: str) -> None:
        receipt = Receipt.model_validate_json(job.receipt)
        await self._bury(job.id, receipt.handle, receipt.body, why)
        await self._free(job, receipt)

    def _group(self, group: str) -> Item:
        return self._key("", group)


def _names(message: Message, *wanted: str) -> dict[str, str]:
    known = {
        "#w": _w(message.key),
        "#l": _l(message.token),
        "#owner": "owner",
        "#until": "until",
        "#expires": EXPIRES,
    }
    return {name: known[name] for name in wanted}


def _w(key: str) -> str:
    return f"w:{fit(key)}"


def _l(token: str) -> str:
    return f"l:{token}"


def _waiting(message: Message, *, sent: bool, attempts: int = 0) -> Item:
    fields: dict[str, Any] = {
        "token": text(message.token),
        "due": number(message.due),
        "attempts": number(attempts),
        "sent": {"BOOL": sent},
    }
    return {"M": fields}
