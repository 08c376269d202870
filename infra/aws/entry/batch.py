"""Messages that Lambda was called with, given to the bot's worker one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aws_lambda_powertools.metrics import MetricUnit

from bot.events import Event
from bot.ports import Job
from bot.worker import JOB_TIMEOUT_S, Dispatch, GaveUp, Worker
from infra.aws.entry.world import metrics
from infra.aws.messages import Delivered
from infra.aws.queue import Settled, SqsQueue

SPARE_S = 3.0
"""To tell the queue what became of the last job."""

AGAIN_S = 5.0
"""After the queue itself could not be asked."""


class PutBack(Exception):
    """Not done: Lambda is told, so that it doesn't delete the message."""


class Pushed:
    """`bot.ports.Queue` for the jobs of one batch: Lambda itself deletes what is done."""

    def __init__(self, queue: SqsQueue) -> None:
        self._queue = queue
        self.put_back: set[str] = set()

    async def ack(self, job: Job) -> None:
        await self._queue.done(job)

    async def release(self, job: Job, *, after: float, why: str = "", count: bool = True) -> None:
        await self._queue.release(job, after=after, why=why, count=count)
        self.put_back.add(job.id)

    async def send(self, event: Event, *, group: str, key: str, delay: float = 0.0) -> None:
        await self._queue.send(event, group=group, key=key, delay=delay)

    async def lease(self, *, wait: float) -> Job | None:
        return None  # Lambda leases

    async def depth(self) -> Mapping[Literal["waiting", "leased", "dead"], int]:
        return await self._queue.depth()


class Batch:
    """One call of a function. `context`: Lambda's."""

    def __init__(self, queue: SqsQueue, dispatch: Dispatch, gave_up: GaveUp, context: Any) -> None:
        self._queue = queue
        self._pushed = Pushed(queue)
        self._worker = Worker(queue.name, self._pushed, dispatch, gave_up, concurrency=1)
        self._context = context
        self._looked_at: set[str] = set()

    async def work(self, record: Mapping[str, Any]) -> None:
        """Raises PutBack when the message has to come again, and what the queue raises."""
        if self._context.get_remaining_time_in_millis() < (JOB_TIMEOUT_S + SPARE_S) * 1000:
            raise PutBack("there is no time left for another job")
        self._looked_at.add(record["messageId"])
        match await self._queue.take(Delivered.pushed(dict(record))):
            case Settled.DROPPED:
                return
            case Settled.PUT_BACK:
                self._pushed.put_back.add(record["messageId"])
                raise PutBack("it is not its turn")
            case Job() as job:
                await self._worker.work(job)
                if job.id in self._pushed.put_back:
                    raise PutBack("its job was put back")

    async def settle(self, event: Mapping[str, Any], failed: Mapping[str, Any]) -> None:
        """What failed and was not put back is due again soon, and not only when its visibility time-out ends: until
        then it would hold back its group."""
        failures = {each["itemIdentifier"] for each in failed["batchItemFailures"]}
        for record in event["Records"]:
            if record["messageId"] in failures - self._pushed.put_back:
                broken = record["messageId"] in self._looked_at
                again = AGAIN_S if broken else 0.0
                await self._queue.hand_back(Delivered.pushed(record), after=again, count=broken)
        metrics.add_dimension("queue", self._queue.name)
        metrics.add_metric("Done", MetricUnit.Count, len(event["Records"]) - len(failures))
        metrics.add_metric("PutBack", MetricUnit.Count, len(failures))
