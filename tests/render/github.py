"""Markdown as GitHub shows it, near enough to test with and to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS = nh3.ALLOWED_TAGS | {"details", "summary"}

LINKED_BY_GITHUB = {
    "mention": re.compile(r"(?<![\w`/])@[a-z0-9](?:[a-z0-9-]*)(?:/[a-z0-9-_]+)?", re.IGNORECASE),
    "issue": re.compile(r"(?<![&\w])#\d+\b|(?<=\w)#\d+\b|\bGH-\d+\b", re.IGNORECASE),
    "commit": re.compile(r"\b[0-9a-f]{7,40}\b", re.IGNORECASE),
    "address": re.compile(r"\bwww\.\w|\w://\w", re.IGNORECASE),
    "e-mail": re.compile(r"[\w.+-]@[\w-]"),
    "advisory": re.compile(r"\b(?:GHSA|CVE)-\w", re.IGNORECASE),
    "mathematics": re.compile(r"(?:^|[\s(])\$[^\s$][^$]*\$|\$\$", re.MULTILINE),
    "emoji": re.compile(r":(?:[a-z_+-][a-z0-9_+-]*|100|1234):", re.IGNORECASE),
}
"""What GitHub's filters look for in the text of the rendered page, outside of code and links."""


def _parser() -> MarkdownIt:
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": True, "breaks": True})
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False})  # GitHub links `www.` and schemes, not every `README.md`
    return parser


PARSER = _parser()


def html(markdown: str) -> str:
    """A safe HTML fragment."""
    return nh3.clean(PARSER.render(markdown), tags=_TAGS, link_rel=None)


def tokens(markdown: str) -> Iterator[Token]:
    """Every token, those inside of paragraphs too."""
    for token in PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def linked(markdown: str) -> list[str]:
    """What GitHub would turn into a link, a mention or a picture in the text outside of code."""
    shown = "".join(_prose(markdown))
    return [f"{name}: {found[0]!r}" for name, rule in LINKED_BY_GITHUB.items() for found in rule.finditer(shown)]


def _prose(markdown: str) -> Iterator[str]:
    for block in PARSER.parse(markdown):
        links = 0
        for token in block.children or ():
            links += token.nesting if token.type in ("link_open", "link_close") else 0
            if token.type == "text" and not links:
                yield token.content
            elif token.type in ("code_inline", "softbreak"):
                yield "\n"
        yield "\n"
