"""Times and durations as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def ago(at: float, now: float) -> str:
    passed = max(now - at, 0)
    for seconds, name in _UNITS:
        if (count := int(passed // seconds)) >= 1:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now" if passed < 10 else f"{int(passed // 10 * 10)} seconds ago"


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b %Y, %H:%M:%S UTC")


def epoch(text: str) -> float:
    """Of GitHub's form of a time."""
    return datetime.fromisoformat(text).timestamp()


def lasted(began: str | None, ended: str | None) -> str:
    if not began or not ended:
        return ""
    seconds = max(int(epoch(ended) - epoch(began)), 0)
    return f"{seconds // 60}m {seconds % 60}s" if seconds >= 60 else f"{seconds}s"
