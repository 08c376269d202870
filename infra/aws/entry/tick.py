"""EventBridge's schedule, every minute: the sweep is due."""

from __future__ import annotations

from typing import Any

from bot.events import Tick, group_of
from infra.aws.entry.world import in_lambda, logger, run, world


@logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: Any) -> None:
    ports = world().ports
    now = ports.clock()
    tick = Tick(at=now, number=int(now) // 60)  # no process lives long enough to count them itself
    run(ports.inbox.send(tick, group=group_of(tick), key="tick"))


if in_lambda():
    world()
