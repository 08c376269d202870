"""Names that never change: a service's id and URL, a deployment's id."""

from __future__ import annotations

import hashlib
import re

from bot.model import Cause

MAX_LABEL = 63
"""A service id is a DNS label too: RFC 1035's limit."""

_HASH = 8


def _tag(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def service_id(user_id: int, owner: str, repository: str, repository_id: int, *, claimed: bool = False) -> str:
    """`github_{user-id}-{owner}-{repository}` in `[a-z0-9_-]`, at most 63 characters, ending in a letter or digit.

    Where the plain form would be too long, or loses characters, or is `claimed` by another repository, a stable hash
    of the repository's id is appended.
    """
    wanted = f"{owner}-{repository}".lower()
    safe = re.sub(r"[^a-z0-9_-]", "-", wanted)
    head = f"github_{user_id}-"
    plain = head + safe
    if safe == wanted and len(plain) <= MAX_LABEL and plain[-1].isalnum() and not claimed:
        return plain
    suffix = "-" + _tag("service", repository_id)[:_HASH]
    return (plain[: MAX_LABEL - len(suffix)]).rstrip("-_") + suffix


def service_url(router_url: str, service: str) -> str:
    return f"{router_url.rstrip('/')}/{service}/"


def deployment_id(cause: Cause, service: str) -> str:
    """The same cause makes the same deployment, however often it arrives: 32 hexadecimal characters."""
    return _tag(cause.delivery, cause.ordinal, service)[:32]
