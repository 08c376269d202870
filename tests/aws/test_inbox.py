"""The inbox's promises on SQS FIFO: durable, in order within a group, a delivery done once stays done."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from bot.errors import OurError
from bot.events import Comment, Hint, InstallationChanged, Tick
from bot.model import Repository
from bot.ports import Job
from infra.aws import messages
from infra.aws.client import Client
from infra.aws.inbox import SqsInbox
from infra.aws.messages import Delivered, Message, Unreadable, read, write
from infra.aws.queue import QueueUrls, Settled
from infra.aws.tables import Tables
from tests.aws.conftest import boto

REPOSITORY = Repository(id=1, owner="octo", name="hello", installation_id=9)


def event(name: str = "d") -> Hint:
    return Hint(deployment=name, repository_id=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(sqs: Client, dynamodb: Client, inbox_urls: QueueUrls, tables: Tables, clock: Clock) -> SqsInbox:
    return SqsInbox(sqs, dynamodb, inbox_urls, tables.jobs, max_attempts=3, clock=clock)


async def leased(queue: SqsInbox) -> Job:
    job = await queue.lease(wait=5)
    assert job is not None
    return job


async def empty(queue: SqsInbox) -> bool:
    return await queue.lease(wait=0) is None


async def test_a_sent_event_comes_back_as_it_was(queue: SqsInbox) -> None:
    await queue.send(Tick(at=5.0), group="timer", key="tick")
    job = await leased(queue)
    assert (job.event, job.group, job.attempts) == (Tick(at=5.0), "timer", 1)


async def test_one_group_keeps_its_order_and_has_one_job_at_work(queue: SqsInbox) -> None:
    for name in "abc":
        await queue.send(event(name), group="g", key=name)
    first = await leased(queue)
    assert first.event == event("a")
    assert await empty(queue)
    await queue.ack(first)
    assert (await leased(queue)).event == event("b")


async def test_groups_do_not_wait_for_each_other(queue: SqsInbox) -> None:
    await queue.send(event("a"), group="g", key="a")
    await queue.send(event("b"), group="h", key="b")
    assert {(await leased(queue)).event, (await leased(queue)).event} == {event("a"), event("b")}


async def test_a_key_that_waits_is_kept_once(queue: SqsInbox) -> None:
    for _ in range(3):
        await queue.send(event(), group="g", key="k")
    await queue.ack(await leased(queue))
    assert await empty(queue)


async def test_a_key_sent_while_its_job_is_at_work_is_done_again_after_it(queue: SqsInbox) -> None:
    """Though SQS would take it for the same message for five minutes."""
    await queue.send(event(), group="g", key="k")
    job = await leased(queue)
    await queue.send(event(), group="g", key="k")
    await queue.send(event(), group="g", key="k")
    await queue.ack(job)
    again = await leased(queue)
    assert again.event == event()
    await queue.ack(again)
    assert await empty(queue)


async def test_a_sender_that_died_before_it_sent_holds_nobody_up(
    queue: SqsInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patch:
        patch.setattr(queue, "_send", dies)
        for key in ("k", "delivery:1"):
            with pytest.raises(ConnectionAbortedError):
                await queue.send(event(), group=key, key=key)
    for key in ("k", "delivery:1"):
        await queue.send(event(), group=key, key=key)
    assert {(await leased(queue)).group, (await leased(queue)).group} == {"k", "delivery:1"}


async def test_a_delivery_is_done_once_even_when_it_is_sent_again(queue: SqsInbox) -> None:
    await queue.send(event(), group="g", key="delivery:1")
    await queue.send(event(), group="g", key="delivery:1")
    job = await leased(queue)
    await queue.send(event(), group="g", key="delivery:1")
    await queue.ack(job)
    await queue.send(event(), group="g", key="delivery:1")
    assert await empty(queue)


async def test_a_delivery_is_remembered_for_three_days_and_no_longer(
    queue: SqsInbox, clock: Clock, endpoint: str, tables: Tables
) -> None:
    await queue.send(event(), group="g", key="delivery:1")
    await queue.ack(await leased(queue))
    known = boto(endpoint, "dynamodb").get_item(TableName=tables.jobs, Key={"id": {"S": "inbox#delivery:1"}})["Item"]
    assert float(known["expires"]["N"]) - clock.now == 3 * 86_400
    clock.now += 3 * 86_400 + 1
    sent: list[str] = []

    async def send(message: Message, *, once: str) -> None:
        sent.append(message.key)

    queue._send = send  # type: ignore[method-assign]  # moto's own five minutes are not over
    await queue.send(event(), group="g", key="delivery:1")
    assert sent == ["delivery:1"]


async def test_two_who_deliver_the_same_at_once_send_it_once(
    queue: SqsInbox, sqs: Client, dynamodb: Client, inbox_urls: QueueUrls, tables: Tables
) -> None:
    other = SqsInbox(sqs, dynamodb, inbox_urls, tables.jobs)
    await asyncio.gather(*(each.send(event(), group="g", key="delivery:1") for each in (queue, other) * 3))
    await queue.ack(await leased(queue))
    assert await empty(queue)


async def test_a_redelivery_revives_a_dead_letter(queue: SqsInbox) -> None:
    for number in range(3):
        await queue.send(event(f"d{number}"), group=f"g{number}", key=f"delivery:{number}")
    for _ in range(9):
        await queue.release(await leased(queue), after=0, why="broken")
    assert await empty(queue)
    assert (await queue.depth())["dead"] == 3
    await queue.send(event("d1"), group="g1", key="delivery:1")
    job = await leased(queue)
    assert (job.event, job.attempts) == (event("d1"), 1)
    assert (await queue.depth())["dead"] == 2
    await queue.ack(job)
    await queue.send(event("d1"), group="g1", key="delivery:1")
    assert await empty(queue), "it is done now"


async def test_a_dead_letter_is_found_among_many_and_those_stay(
    queue: SqsInbox, endpoint: str, inbox_urls: QueueUrls
) -> None:
    await queue.send(event(), group="g", key="delivery:1")
    await queue.ack(await leased(queue))
    bodies = [write(Message(key=f"delivery:x{n}", group="g", event=event(f"x{n}"))) for n in range(23)]
    bodies[12:12] = ["of another version", write(Message(key="delivery:1", group="g", event=event()))]
    for number, body in enumerate(bodies):
        boto(endpoint, "sqs").send_message(
            QueueUrl=inbox_urls.dead, MessageBody=body, MessageGroupId=str(number), MessageDeduplicationId=str(number)
        )
    await asyncio.gather(*(queue.send(event(), group="g", key="delivery:1") for _ in range(2)))
    await queue.ack(await leased(queue))
    assert await empty(queue)
    assert (await queue.depth())["dead"] == 24
    found = boto(endpoint, "sqs").get_queue_attributes(
        QueueUrl=inbox_urls.dead, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert found["Attributes"]["ApproximateNumberOfMessages"] == "24", "for whoever looks for them next"


async def test_a_dead_letter_says_why(queue: SqsInbox, endpoint: str, inbox_urls: QueueUrls) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(3):
        await queue.release(await leased(queue), after=0, why="broken")
    (letter,) = boto(endpoint, "sqs").receive_message(QueueUrl=inbox_urls.dead, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert letter["MessageAttributes"]["why"]["StringValue"] == "broken"
    assert read(letter["Body"]).event == event()


async def test_an_outage_uses_up_no_attempt(queue: SqsInbox) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(6):
        await queue.release(await leased(queue), after=0, why="GitHub is down", count=False)
    assert (await leased(queue)).attempts == 1


async def test_a_released_job_waits_as_long_as_asked(queue: SqsInbox, endpoint: str, inbox_urls: QueueUrls) -> None:
    await queue.send(event(), group="g", key="k")
    await queue.release(await leased(queue), after=0.05)
    assert await empty(queue), "whole seconds, rounded up: nobody spins"
    assert (await leased(queue)).attempts == 2


async def test_a_job_that_keeps_killing_its_worker_ends_as_a_dead_letter(queue: SqsInbox) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(3):
        job = await leased(queue)
        await queue._put_back(messages.Receipt.model_validate_json(job.receipt).handle, 0)  # its lease ran out
    assert await empty(queue)
    assert (await queue.depth())["dead"] == 1


async def test_a_lease_that_ran_out_is_worth_nothing(queue: SqsInbox) -> None:
    await queue.send(event(), group="g", key="k")
    lost = await leased(queue)
    again = lost.model_copy(
        update={
            "receipt": messages.Receipt.model_validate_json(lost.receipt)
            .model_copy(update={"handle": "ran out"})
            .model_dump_json()
        }
    )
    await queue.ack(again)
    await queue.release(again, after=0)
    assert (await queue.depth())["leased"] == 1
    await queue.ack(lost)
    assert (await queue.depth())["leased"] == 0


async def test_what_nobody_can_read_is_buried(queue: SqsInbox, endpoint: str, inbox_urls: QueueUrls) -> None:
    boto(endpoint, "sqs").send_message(
        QueueUrl=inbox_urls.queue, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="x"
    )
    assert await empty(queue)
    assert dict(await queue.depth()) == {"waiting": 0, "leased": 0, "dead": 1}


async def test_it_says_that_it_cannot_delay(queue: SqsInbox) -> None:
    with pytest.raises(OurError, match="FIFO has no delay"):
        await queue.send(event(), group="g", key="k", delay=5)


async def test_many_senders_and_workers_lose_and_double_nothing(queue: SqsInbox) -> None:
    async def send(number: int) -> None:
        await queue.send(event(str(number)), group=f"g{number % 5}", key=str(number))

    done: list[str] = []

    async def work() -> None:
        while (job := await queue.lease(wait=1)) is not None:
            assert isinstance(job.event, Hint)
            done.append(job.event.deployment)
            await queue.ack(job)

    await asyncio.gather(*(send(n) for n in range(40)), *(work() for _ in range(4)))
    assert sorted(done, key=int) == [str(n) for n in range(40)]


def test_a_large_event_is_compressed_and_a_hopeless_one_refused() -> None:
    many = tuple(
        Repository(id=n, owner="octo", name=f"service-number-{n}", installation_id=9, html_url=f"https://g/octo/{n}")
        for n in range(20_000)
    )
    installed = InstallationChanged(
        delivery="1", action="created", installation_id=9, account="octo", account_id=1, added=many
    )
    body = write(Message(key="k", group="g", event=installed))
    assert len(body) < messages.MOST
    assert read(body).event == installed
    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=3_000_000))
    comment = Comment(
        delivery="1", repository=REPOSITORY, issue=1, is_pull_request=True, comment_id=1, body=noise, created_at=0
    )
    with pytest.raises(OurError, match="SQS takes"):
        write(Message(key="k", group="g", event=comment))


async def test_every_character_of_a_comment_arrives(queue: SqsInbox) -> None:
    """SQS takes no U+FFFE, and some others."""
    body = "/whaleray deploy \ufffe\uffff\x00\x1b \U0001f433 世界"
    comment = Comment(
        delivery="1", repository=REPOSITORY, issue=1, is_pull_request=True, comment_id=1, body=body, created_at=0
    )
    await queue.send(comment, group="g", key="delivery:1")
    assert (await leased(queue)).event == comment


@pytest.mark.parametrize("body", ["", "{}", "z:", "z:AAAA", "z:!", "null", '{"key": "k", "group": "g", "event": {}}'])
def test_a_body_that_is_none_of_ours_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        read(body)


async def test_lambda_and_a_worker_read_the_same(queue: SqsInbox, endpoint: str, inbox_urls: QueueUrls) -> None:
    await queue.send(event(), group="g", key="k")
    (message,) = boto(endpoint, "sqs").receive_message(QueueUrl=inbox_urls.queue, AttributeNames=["All"])["Messages"]
    pushed = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
    }
    assert Delivered.pushed(pushed) == Delivered.asked(message)
    job = await queue.take(Delivered.pushed(pushed))
    assert not isinstance(job, Settled)
    assert job.event == event()
