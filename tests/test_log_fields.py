"""Fields of log lines that a logger would take for its own: structlog's `event`, and what Python's LogRecord has."""

from __future__ import annotations

import ast
import logging
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
TAKEN = {"event", "message", "asctime", *vars(logging.makeLogRecord({}))} - {"exc_info", "stack_info"}


def test_no_log_line_has_a_field_that_its_logger_takes_for_its_own() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {keyword.arg}"
        for package in ("bot", "handlers", "infra", "router")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("log", "logger")
        for keyword in node.keywords
        if keyword.arg in TAKEN
    ]
    assert not wrong, "\n".join(wrong)
