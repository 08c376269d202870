"""The few HTML pages that the bot itself serves; every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.errors import Gone, Outage, SettingsError, UserError, WhaleRayError

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    # With `no-referrer` browsers would send `Origin: null` with our own forms (Fetch's standard says so).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Of every page: it loads nothing, nobody frames it, its address is told to nobody, and nothing keeps it."""
PLAIN = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every text that somebody else wrote: shown, never run."""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("templates", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters["moment"] = _moment
    return made


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def page(name: str, status: int = 200, *, headers: Mapping[str, str] = HEADERS, **values: object) -> Response:
    """The template `name` with `values`."""
    return HTMLResponse(_environment().get_template(name).render(**values), status, headers=dict(headers))


def message(status: int, what: str, mend: str = "", why: str = "") -> Response:
    return page("message.html.j2", status, what=what, why=why, mend=mend)


def problem(error: WhaleRayError) -> Response:
    """What went wrong, in the error's words, with the status that fits."""
    match error:
        case SettingsError():
            status = 503
        case UserError():
            status = 403
        case Gone():
            status = 404
        case Outage():
            status = 502
        case _:
            status = 500
    return message(status, error.what, error.mend, error.why)
