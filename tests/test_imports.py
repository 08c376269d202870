"""Imports point one way: handlers -> bot, infra -> bot, infra -> router; only bot.wiring may look back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "bot": {"infra", "handlers", "router", "tests", "bench"},
    "handlers": {"infra", "router", "tests", "bench"},
    "infra": {"handlers", "tests", "bench"},
    "router": {"bot", "infra", "handlers", "tests", "bench"},
}
COMPOSITION_ROOT = ROOT / "bot" / "wiring.py"
ENTRY_POINT = ROOT / "bot" / "cli.py"
LAMBDA = ROOT / "infra" / "aws" / "entry" / "inbox.py"
"""Lambda calls it by its name, so nobody can hand it the handlers."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_imports_point_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package, forbidden in FORBIDDEN.items()
        for path in (ROOT / package).rglob("*.py")
        if path not in (COMPOSITION_ROOT, LAMBDA)
        for name in imported(path)
        if name.split(".")[0] in forbidden or (name == "bot.wiring" and path != ENTRY_POINT)
    ]
    assert not wrong, "\n".join(wrong)


def test_relative_imports_stay_inside_a_package() -> None:
    climbing = [
        str(path.relative_to(ROOT))
        for package in FORBIDDEN
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > 1
    ]
    assert not climbing
