"""GitHub's rate limits: the primary one counts on every answer, the secondary one when it is turned on."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from infra.sandbox.refusal import Refusal

PRIMARY_PER_HOUR = 5_000
CONTENT_PER_MINUTE = 80
HOUR_S = 3_600
MINUTE_S = 60


@dataclass
class _Window:
    resets_at: float
    used: int = 0


class Limits:
    """Kept per caller: an installation, an App, a person."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.per_hour = PRIMARY_PER_HOUR
        self.content_per_minute: int | None = None
        """None: the secondary limit is off."""
        self._windows: dict[str, _Window] = {}
        self._created: defaultdict[str, deque[float]] = defaultdict(deque)

    def _window(self, key: str) -> _Window:
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.resets_at <= now:
            window = self._windows[key] = _Window(now + HOUR_S)
        return window

    def count(self, key: str, *, creates: bool) -> None:
        """Raises Refusal 403 in GitHub's words when it is one too many."""
        window = self._window(key)
        if window.used >= self.per_hour:
            raise Refusal(403, f"API rate limit exceeded for {key.replace('installation', 'installation ID')}.")
        window.used += 1
        if creates and self.content_per_minute is not None:
            self._content(key, self.content_per_minute)

    def _content(self, key: str, most: int) -> None:
        now, times = self._clock(), self._created[key]
        while times and times[0] <= now - MINUTE_S:
            times.popleft()
        if len(times) >= most:
            wait = max(math.ceil(times[0] + MINUTE_S - now), 1)
            message = (
                "You have exceeded a secondary rate limit and have been temporarily blocked from content creation."
            )
            raise Refusal(403, f"{message} Please retry your request again later.", headers={"Retry-After": str(wait)})
        times.append(now)

    def give_back(self, key: str) -> None:
        """A 304 costs nothing."""
        window = self._window(key)
        window.used = max(window.used - 1, 0)

    def use_up(self) -> None:
        """Leave nobody anything until the window's end."""
        for window in self._windows.values():
            window.used = self.per_hour

    def headers(self, key: str) -> dict[str, str]:
        window = self._window(key)
        return {
            "X-RateLimit-Limit": str(self.per_hour),
            "X-RateLimit-Remaining": str(max(self.per_hour - window.used, 0)),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Reset": str(math.ceil(window.resets_at)),
            "X-RateLimit-Resource": "core",
        }
