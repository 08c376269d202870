"""Speaking another language for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot import render
from bot.render.language import spoken


@contextmanager
def speaking(language: render.Language) -> Iterator[None]:
    before = spoken()
    render.speak(language)
    try:
        yield
    finally:
        render.speak(before)
