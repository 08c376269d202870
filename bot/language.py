"""The language in which this process writes to people on GitHub. Its own log, its pages and its errors are English."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "ko"]

_spoken: Language = "en"


def speak(language: Language) -> None:
    """Write in `language` from now on. Called once, by whoever puts the process together: what a person reads doesn't
    depend on the event or the thread that it came by."""
    global _spoken  # noqa: PLW0603 - a setting of the process
    _spoken = language


def spoken() -> Language:
    return _spoken
