"""Words for people live in `templates/`: the code that makes markdown holds none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDLESS = [
    *(ROOT / "bot" / "render").glob("*.py"),
    *(ROOT / "handlers").glob("*.py"),
    *(ROOT / "bot" / name for name in ("actions.py", "neutral.py", "reconcile.py", "telling.py")),
]
SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,}|\*\*\w|[a-z]\. ?$")
ALLOWED = {"pull request "}
"""A name that is looked up, which the answer shows as it was looked up."""


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """String constants but for docstrings, and for what a programmer's error, the log or a pattern says."""
    match tree:
        case ast.Raise() | ast.Expr(value=ast.Constant()):
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "re"))):
            return
        case ast.Constant(value=str()):
            yield tree
    for child in ast.iter_child_nodes(tree):
        yield from literals(child)


def sentences(source: str) -> list[str]:
    return [
        found.value
        for found in literals(ast.parse(source))
        if isinstance(found.value, str) and SENTENCE.search(found.value) and found.value not in ALLOWED
    ]


def test_no_sentence_stands_in_code() -> None:
    wrong = {path.relative_to(ROOT): found for path in WORDLESS if (found := sentences(path.read_text()))}
    assert wrong == {}


def test_a_sentence_in_code_would_be_found() -> None:
    assert sentences('said = f"comment/{name}"') == []
    assert sentences('said = f"It is running at {url}"') == ["It is running at "]
    assert sentences('title = "**Running**"') == ["**Running**"]
    assert (
        sentences('def f() -> None:\n    """A sentence of a docstring."""\n    raise ValueError("not a language")')
        == []
    )
