"""API Gateway's HTTP API: the same FastAPI application as everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import anyio
from mangum import Mangum

from bot.errors import WhaleRayError
from bot.web import WebSettings, create_app
from infra.aws.entry.world import in_lambda, logger, loop, settings, world

INSTALL_URL_S = 3.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    loop()
    return _mangum()(event, context)


@cache
def _mangum() -> Mangum:
    known = world()
    web = WebSettings(secrets=settings().webhook_secrets, links=known.links, install_url=_install_url)
    return Mangum(create_app(known.ports, web, _ready), lifespan="off")


async def _install_url() -> str:
    """A page waits for it for a moment, and does without where GitHub is out."""
    with anyio.move_on_after(INSTALL_URL_S):
        try:
            return str(await world().github.install_url())
        except WhaleRayError as error:
            logger.warning("GitHub does not say where the App is installed", error=str(error))
    return ""


async def _ready() -> Sequence[str]:
    problems = []
    for look in (world().store.probe, world().inbox.depth):
        try:
            await look()
        except WhaleRayError as error:
            problems.append(error.what)  # the rest names accounts, and anyone may ask
    return problems


if in_lambda():
    _mangum()  # in the start, which has a whole processor
