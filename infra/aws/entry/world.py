"""What the functions of one Lambda process share: settings, adapters, and one event loop for all invocations."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

import structlog
from aws_lambda_powertools import Logger, Metrics

from bot.errors import SettingsError
from bot.ports import Engine, GitHub, SignIn
from bot.settings import Settings
from infra.aws.client import Client
from infra.aws.wiring import AwsPorts, aws_ports, settings_of

T = TypeVar("T")

SERVICE = "whaleray"
logger = Logger(service=SERVICE)
metrics = Metrics(namespace="WhaleRay", service=SERVICE)


def run(work: Coroutine[Any, Any, T]) -> T:
    """In the one loop: connections that an earlier invocation made stay usable. Not from inside of it: `world` is
    made before."""
    return loop().run_until_complete(work)


@cache
def loop() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)  # where Mangum and Powertools look for it
    return made


@cache
def settings() -> Settings:
    path = os.environ.get("WHALERAY_AWS_PARAMETERS", "/whaleray")
    return run(settings_of(path, Client("ssm")))


@cache
def world() -> AwsPorts:
    """Raises SettingsError."""
    _log()
    return aws_ports(settings(), engine=_engine, github=_github, sign_in=_sign_in)


def in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def _log() -> None:
    """The bot's own log by Powertools' logger: one JSON line each, with the request that it belongs to."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=True,
    )


def _engine() -> Engine:
    raise SettingsError("The engine of AWS is not part of this version.", "", "Use WHALERAY_ENGINE=process.")


def _github() -> GitHub:
    from infra.github import GithubkitGitHub  # noqa: PLC0415 - 0.3 s that acknowledging a webhook does not need

    known = settings()
    return GithubkitGitHub(
        known.github_app_id,
        known.private_key(),
        known.github_client_id,
        known.github_client_secret.get_secret_value(),
        known.github_api_url,
    )


def _sign_in() -> SignIn:
    from infra.github.signin import GithubSignIn  # noqa: PLC0415

    known = settings()
    return GithubSignIn(known.github_client_id, known.github_client_secret.get_secret_value(), known.github_api_url)
