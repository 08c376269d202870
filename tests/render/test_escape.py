"""What is untrusted is shown, and does nothing else, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.render import escape
from tests.render.github import PARSER, linked, tokens
from tests.render.hostile import PATIENT, hostile

PLACES = (
    "{}",
    "by {}.",
    "**{}**",
    "*{}*",
    "- {}",
    "(before)\n{}",
    '"{}" `code` {}',
    "<details><summary>s</summary>\n\n{}\n\n</details>",
)
INERT = {
    *("paragraph_open", "paragraph_close", "inline", "text", "code_inline", "softbreak", "hardbreak"),
    *("strong_open", "strong_close", "em_open", "em_close"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
    *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close"),
}
CELL = "| a | b |\n| --- | --- |\n| {} | c |"


def read(markdown: str) -> str:
    """The text that a reader sees of one paragraph, without joiners."""
    return "".join(t.content for t in tokens(markdown) if t.type in ("text", "code_inline")).replace(escape.JOINER, "")


@pytest.mark.parametrize(
    ("way", "place"),
    [
        *((way, place) for way in (escape.text, escape.prose, escape.code, escape.person) for place in PLACES),
        *((way, CELL) for way in (escape.text, escape.code_cell, escape.person)),
    ],
)
@PATIENT
@given(value=hostile())
@example("@octocat #12 GH-3 acme/shop#4 https://evil.example www.evil.example me@evil.example")
@example("![x](https://evil.example/x.png) [a](//evil.example) <https://evil.example> <img src=x>")
@example("</details><!-- x --> <b> &lt; &#64;octocat `` ` | a | ``` \\` \\| $x$ :tada: 0123456789abcdef")
def test_a_value_brings_no_markup(way: Callable[[str], escape.Markdown], place: str, value: str) -> None:
    escaped = way(value)
    assume(escaped)  # a template leaves out what is empty
    shown = place.replace("{}", escaped)
    kinds = {t.type for t in tokens(shown)}
    allowed = INERT | ({"html_block"} if "<details>" in place else set())
    assert kinds <= allowed
    assert [t.content for t in tokens(shown) if t.type == "html_block"] == [
        t.content for t in tokens(place) if t.type == "html_block"
    ]
    assert linked(shown) == []
    assert place != CELL or [t.content for t in tokens(shown) if t.type == "inline"][-1] == "c"


@PATIENT
@given(hostile())
@example("\\*a\\* \\\\*b\\\\*")
@example("[a]: b [c][a] !(d) [e] ]")
def test_text_is_read_as_it_was_written(value: str) -> None:
    assert read(escape.text(value, 10_000)) == escape.line(value, 10_000)


@PATIENT
@given(hostile())
def test_code_is_read_as_it_was_written(value: str) -> None:
    assert read(escape.code(value, 10_000)) == escape.line(value, 10_000)


@PATIENT
@given(hostile())
def test_prose_keeps_its_code_spans_and_loses_no_word(value: str) -> None:
    def words(shown: str) -> str:
        return "".join(shown.replace("`", "").split())

    assert words(read(escape.prose(value, 10_000))) == words(escape.line(value, 10_000))


def test_prose_keeps_code_spans() -> None:
    assert escape.prose("`A.java` uses `B`, which *isn't* there") == r"`A.java` uses `B`, which \*isn't\* there"


@PATIENT
@given(st.lists(hostile(), max_size=5).map("\n".join))
def test_nothing_leaves_a_fence(body: str) -> None:
    after = PARSER.parse(f"before\n\n{escape.fence(body, 'java')}\n\nafter")
    fences = [t for t in after if t.type == "fence"]
    assert [t.type for t in after].count("paragraph_open") == 2
    assert len(fences) == 1
    assert fences[0].content.rstrip("\n") == escape.visible(body).strip("\n")


@PATIENT
@given(hostile())
def test_a_link_leads_where_it_says(value: str) -> None:
    url = f"https://bot.example/{value}"
    links = [t for t in tokens(escape.link(escape.Markdown("log"), url)) if t.type == "link_open"]
    assert len(links) == 1
    assert str(links[0].attrs["href"]).startswith("https://bot.example/")
    assert [t.type for t in tokens(escape.autolink(url)) if t.type == "link_open"] == ["link_open"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "", "data:text/html,x"])
def test_only_web_addresses_become_links(url: str) -> None:
    assert escape.link(escape.Markdown("log"), url) == "log"
    assert not [t for t in tokens(escape.autolink(url)) if t.type == "link_open"]


@PATIENT
@given(hostile())
def test_a_permalink_stays_in_the_repository(path: str) -> None:
    url = escape.permalink("https://github.com/acme/shop", "3f9c2ab", path, 24)
    assert url.startswith("https://github.com/acme/shop/blob/3f9c2ab/")
    assert url.endswith("#L24")
    assert not set(url) & set(" ()<>\"'\\`?\n")


@PATIENT
@given(st.text(st.characters(codec=None), max_size=200))
def test_what_is_visible_can_be_sent(value: str) -> None:
    shown = escape.visible(value)
    shown.encode("utf-8")
    assert all(c in "\n\t" or c.isprintable() or c.isspace() or not c.isascii() for c in shown)
    assert not set(shown) & set("\u202e\u2066\u200f\u061c\x1b\x00\x7f\r\u2028")


def test_control_characters_are_drawn() -> None:
    assert escape.line("\x1b[31mred\x00 \u202egnp.exe \u200bx") == "␛[31mred␀ \ufffdgnp.exe x"


def test_a_cut_says_so() -> None:
    assert escape.cut("abcdef", 4) == "abc…"
    assert escape.cut("abcd", 4) == "abcd"


def test_a_string_made_of_markdown_is_untrusted_again() -> None:
    assert not isinstance(escape.Markdown("**a**").upper(), escape.Markdown)


def test_a_fence_takes_only_the_name_of_a_language() -> None:
    with pytest.raises(ValueError, match="language"):
        escape.fence("x", "java\n```")
