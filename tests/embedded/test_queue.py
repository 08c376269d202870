"""The queue's promises: durable, in order within a group, at least once, a delivery done once stays done."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.events import Hint, Tick
from bot.ports import Job
from infra.embedded.queue import SqliteQueue


def event(name: str = "d") -> Hint:
    return Hint(deployment=name, repository_id=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def queue(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteQueue]:
    made = SqliteQueue(tmp_path / "queue.db", "inbox", clock=clock, max_attempts=3, lease_s=60)
    yield made
    await made.aclose()


async def leased(queue: SqliteQueue) -> Job:
    job = await queue.lease(wait=2)
    assert job is not None
    return job


async def empty(queue: SqliteQueue) -> bool:
    return await queue.lease(wait=0) is None


async def test_a_sent_event_comes_back_as_it_was(queue: SqliteQueue) -> None:
    await queue.send(Tick(at=5.0), group="timer", key="tick")
    job = await leased(queue)
    assert (job.event, job.group, job.attempts) == (Tick(at=5.0), "timer", 1)


async def test_it_survives_a_new_process(queue: SqliteQueue, tmp_path: Path, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    other = SqliteQueue(tmp_path / "queue.db", "inbox", clock=clock)
    assert (await leased(other)).event == event()
    await other.aclose()


async def test_one_group_keeps_its_order_and_has_one_job_at_work(queue: SqliteQueue) -> None:
    for name in "abc":
        await queue.send(event(name), group="g", key=name)
    first = await leased(queue)
    assert first.event == event("a")
    assert await empty(queue)
    await queue.ack(first)
    assert (await leased(queue)).event == event("b")


async def test_a_job_that_was_put_back_holds_back_those_behind_it(queue: SqliteQueue, clock: Clock) -> None:
    for name in "ab":
        await queue.send(event(name), group="g", key=name)
    await queue.release(await leased(queue), after=10, count=False)
    assert await empty(queue)
    clock.now += 11
    assert (await leased(queue)).event == event("a")


async def test_groups_do_not_wait_for_each_other(queue: SqliteQueue) -> None:
    await queue.send(event("a"), group="g", key="a")
    await queue.send(event("b"), group="h", key="b")
    assert {(await leased(queue)).event, (await leased(queue)).event} == {event("a"), event("b")}


async def test_a_key_that_waits_is_kept_once_and_the_earlier_time_wins(queue: SqliteQueue, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k", delay=100)
    await queue.send(event(), group="g", key="k", delay=10)
    await queue.send(event(), group="g", key="k", delay=50)
    assert await empty(queue)
    clock.now += 11
    await queue.ack(await leased(queue))
    clock.now += 1000
    assert await empty(queue)


async def test_a_key_sent_while_its_job_is_at_work_is_done_again_after_it(queue: SqliteQueue) -> None:
    await queue.send(event(), group="g", key="k")
    job = await leased(queue)
    await queue.send(event(), group="g", key="k")
    assert await empty(queue)
    await queue.ack(job)
    assert (await leased(queue)).event == event()


async def test_what_is_due_later_does_not_hold_up_what_is_due(queue: SqliteQueue) -> None:
    await queue.send(event("later"), group="g", key="later", delay=100)
    await queue.send(event("now"), group="g", key="now")
    assert (await leased(queue)).event == event("now")


async def test_a_delivery_is_done_once_even_when_it_is_sent_again(queue: SqliteQueue) -> None:
    await queue.send(event(), group="g", key="delivery:1")
    await queue.send(event(), group="g", key="delivery:1")
    job = await leased(queue)
    await queue.send(event(), group="g", key="delivery:1")
    await queue.ack(job)
    await queue.send(event(), group="g", key="delivery:1")
    assert await empty(queue)


async def test_a_redelivery_revives_a_dead_letter(queue: SqliteQueue, clock: Clock) -> None:
    await queue.send(event(), group="g", key="delivery:1")
    for _ in range(3):
        await queue.release(await leased(queue), after=0, why="broken")
    assert await empty(queue)
    assert (await queue.depth())["dead"] == 1
    await queue.send(event(), group="g", key="delivery:1")
    assert (await leased(queue)).attempts == 1


async def test_deliveries_that_come_in_a_crowd_are_each_kept_once_and_in_order(queue: SqliteQueue) -> None:
    names = [f"d{n}" for n in range(300)]
    await asyncio.gather(
        *(queue.send(event(name), group="g", key=f"delivery:{name}") for name in names for _ in range(2)),
        queue.send(event("hint"), group="other", key="hint"),
    )
    found = []
    while (job := await queue.lease(wait=0)) is not None:
        found.append(job)
        await queue.ack(job)
    assert [job.event for job in found if job.group == "g"] == [event(name) for name in names]
    assert [job.event for job in found if job.group == "other"] == [event("hint")]


async def test_an_outage_uses_up_no_attempt(queue: SqliteQueue) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(10):
        await queue.release(await leased(queue), after=0, why="GitHub is down", count=False)
    assert (await leased(queue)).attempts == 1


async def test_a_released_job_waits_as_long_as_asked(queue: SqliteQueue, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    await queue.release(await leased(queue), after=30)
    assert await empty(queue)
    clock.now += 31
    assert (await leased(queue)).attempts == 2


async def test_a_lease_that_ran_out_is_due_again_and_its_receipt_is_worth_nothing(
    queue: SqliteQueue, clock: Clock
) -> None:
    await queue.send(event(), group="g", key="k")
    lost = await leased(queue)
    clock.now += 61
    again = await leased(queue)
    await queue.ack(lost)
    assert (await queue.depth())["leased"] == 1
    await queue.ack(again)
    assert (await queue.depth())["leased"] == 0


async def test_a_job_that_keeps_killing_its_worker_ends_as_a_dead_letter(queue: SqliteQueue, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    for _ in range(3):
        await leased(queue)
        clock.now += 61
    assert await empty(queue)
    assert (await queue.depth())["dead"] == 1


async def test_jobs_of_a_dead_process_come_back_at_once(queue: SqliteQueue, tmp_path: Path, clock: Clock) -> None:
    await queue.send(event(), group="g", key="k")
    await leased(queue)
    await queue.recover()
    assert await empty(queue), "its process lives"
    await queue._db.write(lambda c: c.execute("UPDATE jobs SET owner = '999999:1'").rowcount)
    await queue.recover()
    assert (await leased(queue)).attempts == 2


async def test_two_queues_in_one_file_do_not_meet(queue: SqliteQueue, tmp_path: Path) -> None:
    view = SqliteQueue(tmp_path / "queue.db", "view")
    await view.send(event(), group="g", key="k")
    assert await empty(queue)
    await view.aclose()


async def test_a_waiting_worker_wakes_at_once(queue: SqliteQueue) -> None:
    waiting = asyncio.create_task(queue.lease(wait=30))
    await asyncio.sleep(0)
    began = time.monotonic()
    await queue.send(event(), group="g", key="k")
    assert await asyncio.wait_for(waiting, 5) is not None
    assert time.monotonic() - began < 5


async def test_many_senders_and_workers_lose_and_double_nothing(queue: SqliteQueue) -> None:
    async def send(number: int) -> None:
        await queue.send(event(str(number)), group=f"g{number % 7}", key=str(number))

    done: list[str] = []

    async def work() -> None:
        while (job := await queue.lease(wait=0.5)) is not None:
            assert isinstance(job.event, Hint)
            done.append(job.event.deployment)
            await queue.ack(job)

    await asyncio.gather(*(send(n) for n in range(200)), *(work() for _ in range(8)))
    assert sorted(done, key=int) == [str(n) for n in range(200)]


async def test_finding_the_next_job_costs_the_same_however_many_wait(tmp_path: Path) -> None:
    assert await _steps(tmp_path / "many.db", 2000) < 1.5 * await _steps(tmp_path / "few.db", 50)


async def _steps(path: Path, jobs: int) -> int:
    """Of SQLite's machine, to find the next of so many that are due, while one is at work."""
    queue = SqliteQueue(path, "inbox")
    try:
        await asyncio.gather(*(queue.send(event(), group=f"g{n}", key=f"k{n}") for n in range(jobs)))
        await leased(queue)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            counted = itertools.count()
            connection.set_progress_handler(lambda: next(counted) and 0, 1)
            assert queue._due(connection) is not None
            return next(counted)
    finally:
        await queue.aclose()


async def test_a_process_that_runs_for_long_forgets_what_github_can_not_send_again(
    queue: SqliteQueue, tmp_path: Path, clock: Clock
) -> None:
    for day in range(5):
        await queue.send(event(), group="1", key=f"delivery:{day}")
        clock.now += 86_400
    await queue.send(event(), group="1", key="delivery:last")
    with contextlib.closing(sqlite3.connect(tmp_path / "queue.db")) as other:
        kept = [key for (key,) in other.execute("SELECT key FROM remembered ORDER BY at")]
    assert kept == ["delivery:2", "delivery:3", "delivery:4", "delivery:last"]
