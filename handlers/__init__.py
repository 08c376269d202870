"""One module per event: each decides and delegates, and is called as often as its job is tried."""

from __future__ import annotations

from bot.events import (
    CheckRunAction,
    CheckSuiteRerun,
    Comment,
    Event,
    Hint,
    InstallationChanged,
    PullRequestChanged,
    Push,
    RepositoryChanged,
    Tick,
)
from bot.ports import Ports
from handlers import check_run, check_suite, engine, installation, issue_comment, pull_request, push, repository, timer


async def handle(ports: Ports, event: Event) -> None:
    """Act on one event of the inbox."""
    match event:
        case Push():
            await push.handle(ports, event)
        case Comment():
            await issue_comment.handle(ports, event)
        case CheckRunAction():
            await check_run.handle(ports, event)
        case CheckSuiteRerun():
            await check_suite.handle(ports, event)
        case PullRequestChanged():
            await pull_request.handle(ports, event)
        case InstallationChanged():
            await installation.handle(ports, event)
        case RepositoryChanged():
            await repository.handle(ports, event)
        case Hint():
            await engine.handle(ports, event)
        case Tick():
            await timer.handle(ports, event)
        case _:
            pass


async def gave_up(ports: Ports, event: Event) -> None:
    """An event's last attempt broke."""
    match event:
        case Hint():
            await engine.gave_up(ports, event)
        case Comment():
            await issue_comment.gave_up(ports, event)
        case _:
            pass  # a dead letter, which a redelivery revives
