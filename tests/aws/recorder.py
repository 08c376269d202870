"""Every call that WhaleRay's code makes of AWS in these tests, as `service:Operation`: held against its policies."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

LISTED = Path(__file__).parents[2] / "infra" / "aws" / "operations.txt"
CALLED: set[str] = set()
OPERATORS = frozenset({"bedrock:GetFoundationModel", "bedrock:GetFoundationModelAvailability", "dynamodb:ListTables"})
"""Not in any policy of ours: what `doctor` asks with an operator's credentials, and what the tests of the client do."""


def record(model: Any, **_: Any) -> None:
    """botocore's `before-call`."""
    CALLED.add(f"{model.service_model.service_name}:{model.name}")


@cache
def listed() -> frozenset[str]:
    return frozenset(LISTED.read_text().split())
