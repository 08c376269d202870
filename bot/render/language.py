"""The language that this process speaks to people on GitHub."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "ko"]

_spoken: Language = "en"


def speak(language: Language) -> None:
    """Fill the templates of `language` from now on. Called once, by whoever puts the process together: what a person
    reads doesn't depend on which event or thread it came by."""
    global _spoken  # noqa: PLW0603 - a setting of the process
    _spoken = language


def spoken() -> Language:
    return _spoken
