"""Markdown as GitHub shows it: GitHub's dialect, then everything taken out that GitHub would not let through."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

# fmt: off
TAGS = frozenset({
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp",
    "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "tt", "ul", "var",
})
# fmt: on
_ATTRIBUTES = {
    "a": {"href", "title", "class"},
    "code": {"class"},
    "details": {"open"},
    "div": {"align"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "p": {"align"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
}
_MENTION = re.compile(r"(?<![\w/@`.-])@([A-Za-z\d](?:[A-Za-z\d-]{0,38}))(?![\w@/])")

Known = Callable[[str], bool]
"""Whether a login is somebody's: only then is a mention one."""


def render(text: str, *, breaks: bool = False, known: Known = lambda _: False) -> Markup:
    """`breaks`: a line's end is a line's end, as in comments."""
    parser = _parser(breaks)
    html = parser.render(text, {"known": known})
    return Markup(  # noqa: S704 - sanitised just here
        nh3.clean(
            html,
            tags=set(TAGS),
            attributes=_ATTRIBUTES,
            attribute_filter=_attribute,
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener noreferrer",
        )
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        allowed = value == "mention" if tag == "a" else re.fullmatch(r"language-[\w+#.-]+", value)
        return value if allowed else None
    return value


@cache
def _parser(breaks: bool) -> MarkdownIt:
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": True, "breaks": breaks})
    parser.core.ruler.push("mentions", _mentions)
    return parser


def mentions(text: str) -> list[str]:
    """Logins that GitHub would notify because of this text, if they are somebody's."""
    tokens = _parser(False).parse(text, {"known": lambda _: True})
    children = [child for token in tokens if token.type == "inline" for child in token.children or ()]
    return [child.meta["mention"] for child in children if "mention" in child.meta]


def _mentions(state: StateCore) -> None:
    known: Known = state.env["known"]
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = list(_linked(token.children, known))


def _linked(children: Iterable[Token], known: Known) -> Iterable[Token]:
    depth = 0
    for child in children:
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type != "text" or depth:
            yield child
            continue
        at = 0
        for match in _MENTION.finditer(child.content):
            if known(match[1]):
                yield _text(child.content[at : match.start()])
                yield from _link(match[1])
                at = match.end()
        yield _text(child.content[at:]) if at else child


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _link(login: str) -> Iterable[Token]:
    yield Token("link_open", "a", 1, attrs={"href": f"/{login}", "class": "mention"}, meta={"mention": login})
    yield _text(f"@{login}")
    yield Token("link_close", "a", -1)
