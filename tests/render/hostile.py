"""Text as somebody would write who wants a bot to do more than show it."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

PATIENT = settings(deadline=None)
"""A busy machine is no failure."""

FRAGMENTS = (
    *("@octocat", "@acme/admins", "me@evil.example", "mailto:me@evil.example", "#123", "GH-123", "acme/shop#1"),
    *("GHSA-jfh8-c2jp-5v3q", "CVE-2021-44228", "3f9c2ab", "0123456789abcdef0123456789abcdef01234567", ":tada:", "::"),
    *("https://evil.example", "http://e.x", "ftp://e.x", "www.evil.example", "//evil.example", "xmpp:a@b.c"),
    *("[a](https://evil.example)", "![i](https://evil.example/i.png)", "[ref]: https://evil.example", "[^1]", "[x]"),
    *(
        "<img src=x onerror=alert(1)>",
        "<script>",
        "</details>",
        "<details>",
        "<summary>",
        "<!--",
        "-->",
        "<a href=//e>",
    ),
    *(
        "`",
        "``",
        "```",
        "````",
        "~~~",
        "```java",
        "\\",
        "\\`",
        "|",
        "\\|",
        "||",
        "$",
        "$$",
        "$x$",
        "&lt;",
        "&#64;",
        "&",
    ),
    *("*", "**", "_", "__", "~~", "# ", "## x", "- ", "+ ", "1. ", "1) ", "> ", "===", "---", "***", "    ", "\t", "!"),
    *("\n", "\r\n", "\r", "\n\n", " ", "\x00", "\x1b[31m", "\u202e", "\u200b", "\u2028", "\u2060", "\ud800", "\ufeff"),
    *("word", "가격", "👩‍🚀", "é", "www", "http", ":", "/", "@", "#", "1", "a", "GH-", "whaleray:sticky"),
)


def hostile() -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join),
        st.lists(st.sampled_from(FRAGMENTS), max_size=6).map(" ".join),
        st.text(alphabet="`~*_[]()<>!|\\#@:/-+=.$& \n0a1bw", max_size=40),
        st.text(max_size=40),
    )
