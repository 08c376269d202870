"""Times as people read them: UTC, and durations in the shortest form that says enough."""

from __future__ import annotations

from datetime import UTC, datetime

_EXACT_BELOW_S = 10.0


def clock(at: float) -> str:
    """`22:14:05`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def moment(at: float, now: float) -> str:
    """`14:02` today, `14:02 on 3 November` on another day, always UTC."""
    then, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    if then.date() == today.date():
        return f"{then:%H:%M} UTC"
    return f"{then:%H:%M} UTC on {then.day} {then:%B}"


def took(seconds: float) -> str:
    """Of something that ended: `0.4 s`, `0:42`, `1:58`, `1:02:03`."""
    seconds = max(seconds, 0.0)
    return f"{seconds:.1f} s" if round(seconds, 1) < _EXACT_BELOW_S else running(seconds)


def running(seconds: float) -> str:
    """Of something that goes on: `0:04`, `0:42`, `1:02:03`."""
    whole = int(max(seconds, 0.0))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def about(seconds: float) -> str:
    """Roughly, for a sentence: `2 hours`, `3 days`."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            many = int(seconds // size)
            return f"{many} {name}" + ("s" if many > 1 else "")
    return "less than a minute"
