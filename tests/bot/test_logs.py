"""The bot's own log says what failed, and not what was in its hands then."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAILS = """
import structlog
from bot import logs

logs.configure({style!r})
def fail(value):
    held = value
    raise RuntimeError("the disk is full")

try:
    fail("".join(["corr", "ect horse"]))
except RuntimeError:
    structlog.get_logger("x").exception("job failed", job="push")
"""


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_shows_no_variable_s_value(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS.format(style=style)],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "job failed" in done.stderr
    assert "the disk is full" in done.stderr
    assert "correct horse" not in done.stdout + done.stderr
