"""The view's promises on SQS standard: delayed, coalesced by key, one job of a group at a time, nothing lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.events import Show
from bot.ports import Job
from infra.aws.client import Client
from infra.aws.messages import Delivered, Receipt
from infra.aws.queue import QueueUrls, Settled
from infra.aws.tables import Tables
from infra.aws.view import LONGEST_DELAY_S, OVERDUE_S, SqsView
from tests.aws.conftest import boto


def event(name: str = "d") -> Show:
    return Show(deployment=name, repository_id=1)


class Clock:
    """The real one, that can be put forward: SQS itself waits by the real one."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(sqs: Client, dynamodb: Client, view_urls: QueueUrls, tables: Tables, clock: Clock) -> SqsView:
    return SqsView(sqs, dynamodb, view_urls, tables.jobs, max_attempts=3, clock=clock)


async def leased(queue: SqsView) -> Job:
    job = await queue.lease(wait=6)
    assert job is not None
    return job


async def empty(queue: SqsView) -> bool:
    return await queue.lease(wait=0) is None


async def waiting(queue: SqsView) -> int:
    return (await queue.depth())["waiting"]


async def died(queue: SqsView, job: Job) -> None:
    """Its worker; SQS hands the message out again at once."""
    await queue._put_back(Receipt.model_validate_json(job.receipt).handle, 0)


async def test_a_sent_event_comes_back_as_it_was(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    job = await leased(queue)
    assert (job.event, job.group, job.attempts) == (event(), "g", 1)
    await queue.ack(job)
    assert dict(await queue.depth()) == {"waiting": 0, "leased": 0, "dead": 0}


async def test_what_waits_under_a_key_is_kept_once(queue: SqsView) -> None:
    for _ in range(5):
        await queue.send(event(), group="g", key="k", delay=1)
    assert await waiting(queue) == 1
    assert await empty(queue), "it is not due"
    await queue.ack(await leased(queue))
    assert await empty(queue)


async def test_an_earlier_time_wins_and_the_later_message_is_dropped(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k", delay=2)
    await queue.send(event(), group="g", key="k")
    await queue.ack(await leased(queue))
    assert await queue.lease(wait=4) is None
    assert await waiting(queue) == 0


async def test_a_key_sent_while_its_job_is_at_work_is_done_again_after_it(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    job = await leased(queue)
    await queue.send(event(), group="g", key="k")
    assert await empty(queue)
    await queue.ack(job)
    await queue.ack(await leased(queue))
    assert await empty(queue)


async def test_one_group_has_one_job_at_work(queue: SqsView) -> None:
    for key in "abc":
        await queue.send(event(key), group="g", key=key)
    await queue.send(event("other"), group="h", key="a")
    at_work = 0
    most = 0
    done: list[str] = []

    async def work() -> None:
        nonlocal at_work, most
        while (job := await queue.lease(wait=3)) is not None:
            at_work += job.group == "g"
            most = max(most, at_work)
            await asyncio.sleep(0.05)
            at_work -= job.group == "g"
            assert isinstance(job.event, Show)
            done.append(job.event.deployment)
            await queue.ack(job)

    await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(done) == ["a", "b", "c", "other"]
    assert most == 1


async def test_waiting_for_its_turn_uses_up_no_attempt(queue: SqsView) -> None:
    await queue.send(event("a"), group="g", key="a")
    first = await leased(queue)
    await queue.send(event("b"), group="g", key="b")
    for _ in range(4):
        assert await queue.lease(wait=1) is None
    await queue.ack(first)
    assert (await leased(queue)).attempts == 1


async def test_a_released_job_waits_and_is_kept_once_with_what_is_sent_then(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    await queue.release(await leased(queue), after=1)
    await queue.send(event(), group="g", key="k", delay=100)
    assert await empty(queue)
    job = await leased(queue)
    assert job.attempts == 2
    await queue.ack(job)
    assert await waiting(queue) == 0


async def test_what_was_sent_meanwhile_takes_the_place_of_a_released_job(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    job = await leased(queue)
    await queue.send(event(), group="g", key="k")
    await queue.release(job, after=0, why="GitHub is down", count=False)
    assert (await queue.depth())["leased"] == 0
    await queue.ack(await leased(queue))
    assert await empty(queue)


async def test_a_newer_sending_overtakes_a_released_job(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    await queue.release(await leased(queue), after=2)
    await queue.send(event(), group="g", key="k")
    await queue.ack(await leased(queue))
    assert await queue.lease(wait=4) is None


async def test_a_job_whose_worker_died_is_done_again(queue: SqsView, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    lost = await leased(queue)
    await died(queue, lost)
    assert await empty(queue), "its group is held until the lease ends"
    clock.ahead += 61
    again = await leased(queue)
    assert (again.event, again.attempts) == (event(), 2)
    await queue.ack(again)
    assert await empty(queue)


async def test_two_whose_worker_died_are_both_done_again(queue: SqsView, clock: Clock) -> None:
    """Though the second takes over the group's lease from the first."""
    await queue.send(event("a"), group="g", key="a")
    first = await leased(queue)
    await queue.send(event("b"), group="g", key="b")
    clock.ahead += 61
    second = await leased(queue)
    await died(queue, first)
    await died(queue, second)
    clock.ahead += 61
    done = []
    for _ in range(2):
        job = await leased(queue)
        done.append(job.event)
        await queue.ack(job)
    assert sorted(done, key=str) == [event("a"), event("b")]


async def test_a_job_that_keeps_killing_its_worker_ends_as_a_dead_letter(queue: SqsView, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(3):
        await died(queue, await leased(queue))
        clock.ahead += 61
    assert await empty(queue)
    assert dict(await queue.depth()) == {"waiting": 0, "leased": 0, "dead": 1}
    await queue.send(event(), group="g", key="k")
    assert (await leased(queue)).attempts == 1, "the group is free and the event is worked on again"


async def test_a_job_that_keeps_failing_ends_as_a_dead_letter(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(3):
        await queue.release(await leased(queue), after=0, why="broken")
    assert await empty(queue)
    assert (await queue.depth())["dead"] == 1


async def test_an_outage_uses_up_no_attempt(queue: SqsView) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(6):
        await queue.release(await leased(queue), after=0, count=False)
    assert (await leased(queue)).attempts == 1


async def test_a_lease_that_ran_out_says_nothing_any_more(queue: SqsView, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    lost = await leased(queue)
    await died(queue, lost)
    clock.ahead += 61
    again = await leased(queue)
    await queue.release(lost, after=0)
    assert await empty(queue), "the second one still has it"
    await queue.ack(again)
    assert await empty(queue)


async def test_a_message_that_sqs_hands_out_twice_is_worked_on_once(
    queue: SqsView, endpoint: str, view_urls: QueueUrls
) -> None:
    """A standard queue may."""
    await queue.send(event(), group="g", key="k")
    (message,) = boto(endpoint, "sqs").receive_message(QueueUrl=view_urls.queue, AttributeNames=["All"])["Messages"]
    delivered = Delivered.asked(message)
    job = await queue.take(delivered)
    assert isinstance(job, Job)
    assert await queue.take(delivered) is Settled.PUT_BACK, "it is at work"
    await queue.ack(job)
    assert await queue.take(delivered) is Settled.DROPPED


async def test_a_sender_that_died_before_it_sent_holds_nobody_up(
    queue: SqsView, sqs: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = sqs.call

    def dies(operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "send_message":
            raise ConnectionAbortedError
        return original(operation, **parameters)

    with monkeypatch.context() as patch:
        patch.setattr(sqs, "call", dies)
        with pytest.raises(ConnectionAbortedError):
            await queue.send(event(), group="g", key="k")
    await queue.send(event(), group="g", key="k", delay=100)
    assert (await leased(queue)).event == event()


async def test_a_message_that_never_arrived_holds_nobody_up(
    queue: SqsView, endpoint: str, view_urls: QueueUrls, clock: Clock
) -> None:
    """Its queue was purged, or kept it for longer than its time."""
    await queue.send(event(), group="g", key="k")
    boto(endpoint, "sqs").purge_queue(QueueUrl=view_urls.queue)
    await queue.send(event(), group="g", key="k")
    assert await empty(queue)
    clock.ahead += OVERDUE_S + 1
    await queue.send(event(), group="g", key="k")
    await queue.ack(await leased(queue))


async def test_a_message_of_which_nothing_is_known_is_worked_on(queue: SqsView, endpoint: str, tables: Tables) -> None:
    """The table was restored from a backup."""
    await queue.send(event(), group="g", key="k")
    boto(endpoint, "dynamodb").delete_item(TableName=tables.jobs, Key={"id": {"S": "view#g"}})
    job = await leased(queue)
    assert (job.event, job.attempts) == (event(), 1)


async def test_what_is_due_later_than_sqs_can_delay_is_put_back_until_then(
    queue: SqsView, sqs: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[dict[str, Any]] = []

    def note(_operation: str, /, **parameters: Any) -> dict[str, Any]:
        called.append(parameters)
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(sqs, "call", note)
        await queue.send(event(), group="g", key="k", delay=5000)
        assert called[0]["DelaySeconds"] == LONGEST_DELAY_S
        attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "0"}
        body = called[0]["MessageBody"]
        arrived = {"messageId": "m", "receiptHandle": "h", "body": body, "attributes": attributes}
        assert await queue.take(Delivered.pushed(arrived)) is Settled.PUT_BACK
        assert called[1]["VisibilityTimeout"] == pytest.approx(5000, abs=60)
