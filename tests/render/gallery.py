"""All that people can be shown on one page, to look at: `python -m tests.render.gallery OUT.html`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from bot.ports import CheckRun
from tests.render.cases import ALL_TEXTS, CHECKS
from tests.render.github import html

STYLE = """
body { font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; color: #1f2328;
       max-width: 820px; margin: 2rem auto; padding: 0 1rem }
article { border: 1px solid #d1d9e0; border-radius: 6px; margin: 0 0 1.5rem; padding: 0 1rem 1rem }
article > header { color: #59636e; background: #f6f8fa; margin: 0 -1rem 1rem; padding: .4rem 1rem;
                   border-bottom: 1px solid #d1d9e0 }
h2 { font-size: 20px; margin: .5rem 0 }
code { background: #818b981f; border-radius: 6px; padding: .2em .4em; font-size: 85% }
pre { background: #f6f8fa; border-radius: 6px; padding: 1rem; overflow: auto; max-height: 16rem }
pre code { background: none; padding: 0 }
table { border-collapse: collapse } td, th { border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left }
a { color: #0969da } button { font: inherit; padding: 3px 12px; margin-right: 8px; border: 1px solid #d1d9e0;
                              border-radius: 6px; background: #f6f8fa }
aside { border-left: 3px solid #d1242f; padding: .2rem .8rem; margin: .5rem 0; white-space: pre-wrap }
"""


def page() -> str:
    parts = [*(_check(name, made()) for name, made in CHECKS.items()), *_texts()]
    return f"<!doctype html><meta charset=utf-8><title>WhaleRay's words</title><style>{STYLE}</style>{''.join(parts)}"


def _texts() -> Iterator[str]:
    for name, made in ALL_TEXTS.items():
        yield f"<article><header>{escape(name)}</header>{html(made())}</article>"


def _check(name: str, check: CheckRun) -> str:
    buttons = "".join(f"<button title='{escape(a.description)}'>{escape(a.label)}</button>" for a in check.actions)
    marks = "".join(
        f"<aside><b>{escape(a.path)}:{a.line}</b> {escape(a.title)}\n{escape(a.message)}</aside>"
        for a in check.annotations
    )
    return (
        f"<article><header>check · {escape(name)} · {check.conclusion or check.status} {buttons}</header>"
        f"<h2>{escape(check.title)}</h2>{html(check.summary)}{html(check.text)}{marks}</article>"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.render.gallery OUT.html")
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
