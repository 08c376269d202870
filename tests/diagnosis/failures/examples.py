"""The example logs with their labels: recipe, log and what a reader found in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from bot.diagnosis.normalise import normalise
from bot.ports import Extract
from tests.diagnosis.failures.make import read_log
from tests.diagnosis.failures.recipe import Recipe
from tests.diagnosis.failures.recipes import ALL

INDEX = Path(__file__).with_name("index.yaml")


@dataclass(frozen=True, eq=False)
class Example:
    recipe: Recipe
    spans: tuple[tuple[int, int], ...]
    """1-based, inclusive line ranges that carry the cause."""
    title: str
    file: str | None
    line: int | None
    also: tuple[str, ...]
    """Titles of further findings that are right."""

    @property
    def log(self) -> str:
        return read_log(self.recipe)

    def whole(self) -> Extract:
        """The log with nothing left out."""
        lines = self.log.split("\n")
        numbered = tuple((number, normalise(line)) for number, line in enumerate(lines, 1))
        return Extract(lines=numbered, total=len(lines), whole=True)

    def labelled(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.spans)


@cache
def examples() -> tuple[Example, ...]:
    """In the order of the index."""
    recipes = {recipe.id: recipe for recipe in ALL}
    return tuple(
        Example(
            recipe=recipes[entry["id"]],
            spans=tuple((first, last) for first, last in entry["spans"]),
            title=entry.get("title", ""),
            file=entry.get("file"),
            line=entry.get("line"),
            also=tuple(entry.get("also", ())),
        )
        for entry in yaml.safe_load(INDEX.read_text(encoding="utf-8"))
    )
