"""What goes wrong on purpose: answers in place of GitHub's, lost connections, slow answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Literal, Self

Match = str | Callable[[str, str], bool]


@dataclass(eq=False)
class Fault:
    """`hits` counts the requests it met; `end()`, or leaving a `with` block, lifts it."""

    matching: Match
    status: int | None = None
    times: int | None = 1
    """None: until it is lifted."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    drop: Literal["before", "after"] | None = None
    """The connection is cut before the request is applied, or after, in place of the answer."""
    delay: float = 0.0
    """Seconds before anything else happens."""
    hits: int = 0
    ended: bool = False

    def meets(self, method: str, path: str, template: str) -> bool:
        if self.ended or (self.times is not None and self.hits >= self.times):
            return False
        if callable(self.matching):
            return self.matching(method, path)
        return self.matching == f"{method} {template}" or fnmatchcase(f"{method} {path}", self.matching)

    def end(self) -> None:
        self.ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str, template: str) -> Fault | None:
        """The first fault that meets the request, one of its times used up."""
        with self._lock:
            for fault in self._faults:
                if fault.meets(method, path, template):
                    fault.hits += 1
                    return fault
        return None
