"""Times as people read them: UTC, and durations in the shortest form that says enough."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

_EXACT_BELOW_S = 10.0
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def clock(at: float) -> str:
    """`22:14:05`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def took(seconds: float) -> str:
    """Of something that ended: `0.4 s`, `0:42`, `1:58`, `1:02:03`."""
    seconds = max(seconds, 0.0)
    return f"{seconds:.1f} s" if round(seconds, 1) < _EXACT_BELOW_S else running(round(seconds))


def running(seconds: float) -> str:
    """Of something that goes on: `0:04`, `0:42`, `1:02:03`."""
    whole = int(max(seconds, 0.0))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def largest_unit(seconds: float) -> tuple[int, Literal["day", "hour", "minute"]]:
    """Whole units of the largest that fits; 0 minutes below one."""
    if seconds >= _DAY_S:
        return int(seconds // _DAY_S), "day"
    if seconds >= _HOUR_S:
        return int(seconds // _HOUR_S), "hour"
    return int(max(seconds, 0.0) // _MINUTE_S), "minute"
