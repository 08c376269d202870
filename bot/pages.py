"""The few HTML pages that the bot itself serves; every value is escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("templates", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def page(name: str, **values: object) -> str:
    return _environment().get_template(name).render(**values)
