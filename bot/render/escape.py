"""Untrusted text into markdown that shows it and does nothing else.

Branch names, commit messages, user names, log lines, paths, lock reasons and a model's answers are written by people
who may not deploy. None of them may mention, link, open HTML, or close a fence. Every function here returns
`Markdown`; `bot.render.words` escapes whatever isn't.
"""

from __future__ import annotations

import re
from urllib.parse import quote

JOINER = "\u2060"
"""WORD JOINER: has no width and allows no line break. It keeps GitHub's filters, which read the rendered text and so
undo a backslash, from seeing `@name` or `#1`."""
HIDDEN = "\ufffd"
"""Shown for a character that would reorder or hide its neighbours."""
ELLIPSIS = "…"

_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff")
_SPECIAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # hide, join, reorder
    "\ud800-\udfff"  # lone surrogates: UTF-8 can't hold them
    "\U000e0000-\U000e007f]"  # tags: a second, unseen text
)
_CONTROL_PICTURES = 0x2400
_DELETE, _DELETE_PICTURE = "\x7f", "\u2421"

_PUNCTUATION = re.compile(r"[\\`*_\[\]<>|~&$]")
_AT_LINE_START = re.compile(r"^(?=[#+=\-])|^(\d{1,9})(?=[.)](?:\s|$))")
_BROKEN_BY_JOINER = (
    (re.compile(r"@"), f"{JOINER}@{JOINER}"),  # @user, @org/team, e-mail addresses
    (re.compile(r"#(?=\d)"), f"#{JOINER}"),  # #1, owner/repository#1
    (re.compile(r"\b(GH|GHSA|CVE)-(?=\w)", re.IGNORECASE), rf"\1-{JOINER}"),
    (re.compile(r"/(?=/)"), f"/{JOINER}"),  # any scheme's //
    (re.compile(r"\b(www)(?=\.)", re.IGNORECASE), rf"\1{JOINER}"),
    (re.compile(r"\$"), f"{JOINER}$"),  # mathematics
    (re.compile(r":(?=[\w+-]+:)"), f":{JOINER}"),  # emoji
    (re.compile(r"([0-9a-f]{6})(?=[0-9a-f])", re.IGNORECASE), rf"\1{JOINER}"),  # commit ids link from 7 digits on
)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_BACKTICKS = re.compile(r"`+")
_URL_SAFE = ":/?#@!$&'*+,;=%~.-_"
_LONGEST_PATH = 4_096
_PIPE_IN_CODE = "\u2502"
_NEAR = 4
"""White space that is squeezed makes less than this of a text, or the text is not worth showing whole."""


class Markdown(str):
    """Markdown made here or in a template: it goes into a document as it is. Any operation of `str` on it gives a
    plain string, which is escaped again."""

    __slots__ = ()


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if character in _INVISIBLE:
        return ""
    if character < " ":
        return chr(_CONTROL_PICTURES + ord(character))
    return _DELETE_PICTURE if character == _DELETE else HIDDEN


def visible(value: str) -> str:
    """`value` with every control character made visible. Line feeds and tabs stay; CR LF and CR become line feeds."""
    return _SPECIAL.sub(_shown, value.replace("\r\n", "\n").replace("\r", "\n"))


def line(value: str, limit: int = 1_000) -> str:
    """One line of plain text, at most `limit` characters; what is far beyond it is not even looked at."""
    near = value[: limit * _NEAR]
    shown = " ".join(visible(near).split())
    return cut(shown if near == value else shown[: limit - 1] + ELLIPSIS, limit)


def cut(value: str, limit: int) -> str:
    """At most `limit` characters; an ellipsis says that there were more."""
    return value if len(value) <= limit else value[: max(limit - 1, 0)].rstrip() + ELLIPSIS


def text(value: str, limit: int = 1_000) -> Markdown:
    """Shown literally, on one line."""
    shown = line(value, limit)
    for pattern, replacement in _BROKEN_BY_JOINER:
        shown = pattern.sub(replacement, shown)
    shown = _PUNCTUATION.sub(lambda match: "\\" + match[0], shown)
    return Markdown(_AT_LINE_START.sub(lambda match: (match[1] or "") + "\\", shown))


def code(value: str, limit: int = 300) -> Markdown:
    """A code span, delimited by more backticks than any run inside. An empty value is an empty string."""
    shown = line(value, limit)
    if not shown:
        return Markdown("")
    marks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return Markdown(f"{marks}{pad}{shown}{pad}{marks}")


def code_cell(value: str, limit: int = 200) -> Markdown:
    """A code span in a table. A pipe would end the cell: it is escaped, or drawn where a backslash in the value would
    undo that."""
    return Markdown(code(value, limit).replace("|", _PIPE_IN_CODE if "\\" in value else "\\|"))


def prose(value: str, limit: int = 2_000) -> Markdown:
    """Sentences in which `code spans` are meant: those are kept, everything else is shown literally."""
    shown = line(value, limit)
    parts: list[str] = []
    at = 0
    for span in _CODE_SPAN.finditer(shown):
        parts += [_between(shown[at : span.start()]), code(span[2], limit) or text(span[0], limit)]
        at = span.end()
    return Markdown("".join([*parts, _between(shown[at:])]).strip())


def _between(value: str) -> str:
    """`text`, with the spaces that divide it from a code span."""
    if not value.strip():
        return value
    before = " " if value[0] == " " else ""
    after = " " if value[-1] == " " else ""
    return before + text(value, len(value)) + after


def person(login: str) -> Markdown:
    """A user's name as people write it, that notifies nobody."""
    return text("@" + login, 60) if login else Markdown("")


def fence(body: str, info: str = "") -> Markdown:
    """A code block, fenced by more backticks than any run inside. `info`: the language, by its name alone."""
    if info and not info.isalnum():
        raise ValueError(f"not a language: {info!r}")
    shown = visible(body).strip("\n")
    marks = "`" * max(3, _longest_run(shown) + 1)
    return Markdown(f"{marks}{info}\n{shown}\n{marks}")


def link(label: Markdown, url: str) -> Markdown:
    """A link; only the label where `url` is no web address."""
    return Markdown(f"[{label}]({_address(url)})") if _is_web(url) else label


def autolink(url: str) -> Markdown:
    """An address that is its own label."""
    return Markdown(f"<{_address(url)}>") if _is_web(url) else code(url)


def permalink(html_url: str, sha: str, path: str, number: int | None) -> str:
    """A line of a file at a commit, on GitHub; "" where the repository's address isn't known and for no path at all."""
    if not html_url or len(path) > _LONGEST_PATH:
        return ""
    anchor = f"#L{number}" if number else ""
    return f"{html_url}/blob/{quote(sha, safe='')}/{quote(visible(path), safe='/')}{anchor}"


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _address(url: str) -> str:
    return quote(visible(url), safe=_URL_SAFE)


def _longest_run(value: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(value)), default=0)
