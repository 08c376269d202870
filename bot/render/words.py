"""The templates in `templates/` filled in. What is not `Markdown` already is escaped, so that a template can't forget
to. `templates/ko/` holds the Korean of each that has words; what it lacks is English."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined

from bot.language import Language, spoken
from bot.model import Deployment
from bot.render import escape, times
from bot.render.blocks import tidy
from bot.render.escape import Markdown


def words(template: str, /, **values: object) -> Markdown:
    """`templates/{template}.md.j2` as markdown."""
    return Markdown(tidy(environment("md", spoken()).get_template(f"{template}.md.j2").render(**values)))


def plain(template: str, /, **values: object) -> str:
    """`templates/{template}.txt.j2` as one or more lines of plain text, where GitHub renders no markdown."""
    rendered = environment("txt", spoken()).get_template(f"{template}.txt.j2").render(**values)
    return "\n".join(line for each in rendered.splitlines() if (line := " ".join(each.split())))


def loader(language: Language) -> BaseLoader:
    english = PackageLoader("templates", "")
    return english if language == "en" else ChoiceLoader([PackageLoader("templates", language), english])


@cache
def environment(kind: str, language: Language) -> Environment:
    made = Environment(
        loader=loader(language),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        autoescape=False,  # noqa: S701 - markdown and plain text; `finalize` escapes for them
        finalize=_markdown if kind == "md" else _plain,
    )
    made.filters |= {
        "about": _about,
        "autolink": escape.autolink,
        "bare": lambda value: value.replace("`", ""),
        "clock": lambda at: Markdown(times.clock(at)),
        "code": escape.code,
        "code_cell": escape.code_cell,
        "fence": escape.fence,
        "line": escape.line,
        "link": lambda url, label: escape.link(Markdown(label), url),
        "moment": _moment,
        "number": lambda value: f"{value:,}",
        "person": escape.person,
        "prose": escape.prose,
        "quoted": escape.text,
        "running": lambda seconds: Markdown(times.running(seconds)),
        "version": _version,
        "took": lambda seconds: Markdown(times.took(seconds)),
    }
    return made


def _version(deployment: Deployment) -> Markdown:
    """Its commit, and the branch unless that is the commit's own name."""
    named = deployment.ref not in (deployment.sha, deployment.short_sha)
    return words("plan/version", sha=deployment.short_sha, ref=deployment.ref if named else "")


def _about(seconds: float) -> Markdown:
    """Roughly how long, for a sentence."""
    many, unit = times.largest_unit(seconds)
    return Markdown(plain("time/about", many=many, unit=unit))


def _moment(at: float, now: float) -> Markdown:
    """The hour of it, with the day unless that is today's."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    said = plain(
        "time/moment",
        time=f"{then:%H:%M}",
        day=then.day,
        month=then.month,
        today=then.date() == today.date(),
    )
    return Markdown(said)


def _markdown(value: object) -> str:
    if isinstance(value, Markdown):
        return value
    return escape.text(_said(value))


def _plain(value: object) -> str:
    return escape.line(_said(value))


def _said(value: object) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"a template prints {type(value).__name__}, which is not for people")
