"""Adapters that are made when they are first asked for something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Lazy:
    """Stands for what `make` returns, and calls it once, when an attribute of it is read: importing githubkit takes
    longer than acknowledging a webhook may."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object | None = None

    @property
    def made(self) -> bool:
        return self._made is not None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)
