"""Documents that are too long are cut where nothing breaks, and say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import escape, limits
from tests.render.github import PARSER
from tests.render.hostile import PATIENT, hostile

NOTICE = "*cut*"
BLOCKS = st.one_of(
    hostile().map(escape.text),
    st.lists(hostile(), max_size=8).map(lambda lines: escape.fence("\n".join(lines))),
    st.lists(hostile(), max_size=8).map(
        lambda lines: "<details><summary>s</summary>\n\n" + escape.fence("\n".join(lines)) + "\n\n</details>"
    ),
    st.just("~~~~\n```\n~~~\n~~~~"),
)


@pytest.mark.parametrize("size", [len, limits.utf8])
@PATIENT
@given(st.lists(BLOCKS, max_size=8).map("\n\n".join), st.integers(min_value=60, max_value=400))
def test_a_document_fits_with_its_fences_and_folds_closed(size: limits.Size, document: str, limit: int) -> None:
    cut = limits.within(document, limit, NOTICE, size)
    assert size(cut) <= limit
    cut.encode("utf-8")
    if size(document) <= limit:
        assert cut == document
        return
    after = PARSER.parse(cut)
    assert [t.children[0].type for t in after[-3:] if t.children] == ["em_open"]
    html = "".join(t.content for t in after if t.type == "html_block")
    assert html.count("<details>") == html.count("</details>")
    kept = cut.removesuffix(NOTICE).rstrip("\n").split("\n")
    assert document.startswith("\n".join(kept[:-3]))


@PATIENT
@given(st.lists(st.text(max_size=30), max_size=60).map("\n".join), st.integers(1, 50), st.integers(0, 800))
def test_a_tail_is_the_logs_end_and_fits(log: str, lines: int, room: int) -> None:
    tail = limits.tail(log, lines, room)
    assert limits.utf8(tail.body) <= room
    shown = tail.body.split("\n") if tail.shown else []
    assert len(shown) == tail.shown <= min(lines, tail.total)
    assert tail.shortened or tail.shown == min(lines, tail.total)


def test_a_tail_counts_all_lines() -> None:
    assert limits.tail("a\nb\nc\n", 2, 100) == limits.Tail("b\nc", 2, 3, shortened=False)
    assert limits.tail("", 2, 100) == limits.Tail("", 0, 0, shortened=False)


def test_a_tail_shows_of_a_progress_bar_what_a_terminal_would() -> None:
    assert limits.tail("Downloading 1 %\rDownloading 99 %\rDone\r\nBuilding", 9, 100).body == "Done\nBuilding"


def test_a_line_without_end_is_cut() -> None:
    tail = limits.tail("가" * 100_000, 1, 60_000)
    assert tail.shortened
    assert tail.body.endswith("가…")
    assert len(tail.body) == limits.LINE_CHARACTERS
