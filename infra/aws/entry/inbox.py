"""The inbox's queue: deliveries, hints and ticks to their handlers, in order within a group."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

import handlers
from bot.events import Event
from infra.aws.entry.batch import Batch
from infra.aws.entry.world import in_lambda, logger, metrics, run, world


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    known = world()
    batch = Batch(known.inbox, _handle, _gave_up, context)
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False

    def work(record: SQSRecord) -> None:
        run(batch.work(record.raw_event))

    response = dict(process_partial_response(event, work, processor, context))
    run(batch.settle(event, response))
    return response


def _handle(event: Event) -> Awaitable[None]:
    return handlers.handle(world().ports, event)


def _gave_up(event: Event) -> Awaitable[None]:
    return handlers.gave_up(world().ports, event)


if in_lambda():
    world()
