"""Files that are written to keep their reader busy: while one is read, nobody else's push is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bot.inspection import gradle, own_dockerfile

SIZE = 40_000
"""Time by its square is several seconds, time in proportion some milliseconds; GitHub would give 25 times as much."""
MOST_S = 1.0


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (gradle.parse, "id" + " " * SIZE),
        (gradle.parse, "apply plugin" + "\n" * SIZE),
        (own_dockerfile.parse, "FROM scratch\nENV " + "a" * SIZE),
        (own_dockerfile.parse, "FROM scratch\nCOPY " + "target/" * (SIZE // 2)),
    ],
    ids=["id", "apply", "ENV", "COPY"],
)
def test_reading_takes_time_in_proportion(read: Callable[[str], object], text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < MOST_S


def test_what_stands_between_two_words_of_a_script_may_still_be_long() -> None:
    script = gradle.parse("plugins {\n" + "\n" * 100 + "id" + " " * 100 + "'org.springframework.boot'\n}")
    assert "org.springframework.boot" in script.plugins
