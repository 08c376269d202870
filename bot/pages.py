"""The few HTML pages that the bot itself serves; every value is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("templates", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters["moment"] = _moment
    return made


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def page(name: str, **values: object) -> str:
    return _environment().get_template(name).render(**values)
