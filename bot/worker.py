"""Lease, dispatch, retry: the loop that turns events into calls of their handlers."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable

import anyio
import structlog

from bot import metrics
from bot.errors import Conflict, Gone, Outage
from bot.events import Event
from bot.ports import Job, Queue

log = structlog.get_logger(__name__)

JOB_TIMEOUT_S = 30.0
"""docs/design.md: a job ends within 30 s."""
LEASE_WAIT_S = 2.0
"""Also how long an idle worker needs to notice that it is to stop."""
MAX_ATTEMPTS = 6
"""Tries of a job that breaks; an outage uses up none."""
LONGEST_WAIT_S = 60.0

Dispatch = Callable[[Event], Awaitable[None]]
GaveUp = Callable[[Event], Awaitable[None]]


class Worker:
    """`concurrency` jobs at once of one queue; `gave_up` is told of an event before its last failure ends it."""

    def __init__(self, name: str, queue: Queue, dispatch: Dispatch, gave_up: GaveUp, *, concurrency: int) -> None:
        self._name = name
        self._queue = queue
        self._dispatch = dispatch
        self._gave_up = gave_up
        self._concurrency = concurrency
        self._stopping = False
        self._ended = anyio.Event()

    async def run(self) -> None:
        """Until `finish` is called; each job at hand is finished first."""
        async with anyio.create_task_group() as group:
            for _ in range(self._concurrency):
                group.start_soon(self._loop)
        self._ended.set()

    async def finish(self) -> None:
        """Take no more jobs, and wait for the ones at hand."""
        self._stopping = True
        await self._ended.wait()

    async def _loop(self) -> None:
        while not self._stopping:
            try:
                job = await self._queue.lease(wait=LEASE_WAIT_S)
            except Outage as outage:
                log.error("queue", queue=self._name, error=str(outage))
                await anyio.sleep(1)
                continue
            if job is None:
                continue
            try:
                await self.work(job)
            except Exception:
                log.exception("the queue could not be told what became of a job: it is due again when its lease ends")
                await anyio.sleep(1)

    async def work(self, job: Job) -> None:
        """One job, leased by whoever calls this; the queue is told what became of it. Raises what the queue raises."""
        started = time.monotonic()
        outcome = "done"
        try:
            with anyio.fail_after(JOB_TIMEOUT_S):
                await self._dispatch(job.event)
            await self._queue.ack(job)
        except Outage as outage:
            outcome = "put back"
            wait = max(outage.retry_after, _patience(time.time() - job.sent_at))
            log.warning("outage", job=job.event.type, why=str(outage), again_in_s=round(wait, 1))
            await self._queue.release(job, after=wait, why=str(outage), count=False)
        except Conflict as conflict:
            outcome = "conflict"
            if job.attempts < MAX_ATTEMPTS:
                after = random.uniform(0.05, 0.15)  # noqa: S311 - jitter is no secret
                await self._queue.release(job, after=after, why=str(conflict))
            else:
                log.error("job conflicts each time", job=job.event.type, why=str(conflict))
                await self._failed(job, conflict)
        except Gone as gone:
            outcome = "gone"
            log.info("gone", job=job.event.type, what=str(gone))
            await self._queue.ack(job)
        except Exception as error:
            outcome = "failed"
            log.exception("job failed", job=job.event.type, attempts=job.attempts)
            await self._failed(job, error)
        metrics.JOBS.labels(self._name, job.event.type, outcome).observe(time.monotonic() - started)

    async def _failed(self, job: Job, error: Exception) -> None:
        if job.attempts >= MAX_ATTEMPTS:
            try:
                await self._gave_up(job.event)
            except Exception:
                log.exception("giving up failed", job=job.event.type)
        await self._queue.release(job, after=_backoff(job.attempts), why=f"{type(error).__name__}: {error}")


def _patience(age_s: float) -> float:
    """A quarter of how long the job has been tried in vain, half a second to a minute: an outage counts no attempts."""
    return min(LONGEST_WAIT_S, max(0.5, age_s / 4)) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret


def _backoff(attempts: int) -> float:
    """0.5 s doubling to a minute, with jitter so that a recovered GitHub isn't met by all at once."""
    return min(LONGEST_WAIT_S, 0.5 * 2.0 ** min(attempts - 1, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 - as above
