"""The view's queue: GitHub is made to show what is stored. Jobs of one batch wait for GitHub together."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from bot.events import Event
from bot.serve import dispatch_view
from infra.aws.entry.batch import Batch
from infra.aws.entry.world import in_lambda, logger, loop, metrics, run, world


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    loop()
    batch = Batch(world().view, _dispatch, _gave_up, context)
    processor = AsyncBatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    async def work(record: SQSRecord) -> None:
        await batch.work(record.raw_event)

    response = dict(async_process_partial_response(event, work, processor, context))
    run(batch.settle(event, response))
    return response


async def _dispatch(event: Event) -> None:
    await dispatch_view(world().ports, event)


async def _gave_up(event: Event) -> None:
    logger.error("a view stays unwritten", job=event.type)


if in_lambda():
    world()
