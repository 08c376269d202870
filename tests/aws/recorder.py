"""Every call that WhaleRay's code makes of AWS in these tests, as `service:Operation`: held against its policies."""

from __future__ import annotations

from typing import Any

CALLED: set[str] = set()


def record(model: Any, **_: Any) -> None:
    """botocore's `before-call`."""
    CALLED.add(f"{model.service_model.service_name}:{model.name}")
