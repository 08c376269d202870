"""Speaking another language for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.language import Language, speak, spoken


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    before = spoken()
    speak(language)
    try:
        yield
    finally:
        speak(before)
