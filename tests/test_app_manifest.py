"""app.yml asks for what handlers act on and what the adapters call, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bot import payloads

MANIFEST: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "app.yml").read_text())
BY_THEMSELVES = {"installation", "installation_repositories"}
"""GitHub sends these to every App, subscribed or not."""
NEEDED_BY_EVENT = {
    "push": "contents",
    "issue_comment": "issues",
    "pull_request": "pull_requests",
    "check_run": "checks",
    "check_suite": "checks",
    "repository": "metadata",
}


def test_events_are_those_that_handlers_act_on() -> None:
    assert set(MANIFEST["default_events"]) == set(payloads.HANDLED) - BY_THEMSELVES


def test_every_event_has_the_permission_it_needs() -> None:
    assert set(NEEDED_BY_EVENT) == set(MANIFEST["default_events"])
    assert set(NEEDED_BY_EVENT.values()) <= set(MANIFEST["default_permissions"])


def test_permissions_are_the_least_that_do() -> None:
    assert MANIFEST["default_permissions"] == {
        "checks": "write",
        "contents": "read",
        "deployments": "write",
        "issues": "write",
        "metadata": "read",
        "pull_requests": "write",
    }
