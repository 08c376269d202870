"""docs/commands.md tells users what there is: no command and no button more or less."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from bot import commands
from bot.inspection.config import RESERVED
from bot.links import ENV_S
from bot.variables import MAX_VALUE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "commands.md").read_text()


def rows(pattern: str) -> list[tuple[str, ...]]:
    return [match.groups() for match in re.finditer(pattern, PAGE, re.MULTILINE)]


def test_it_lists_every_command_in_the_words_of_its_help() -> None:
    listed = [(usage.replace("\\|", "|"), meaning) for usage, meaning in rows(r"^\| `(/whaleray [^`]*)` \| (.*) \|$")]
    assert listed == commands.help_lines()


def test_it_names_no_command_that_there_is_not() -> None:
    known = {kind.verb for kind in commands.KNOWN}
    assert {verb for (verb,) in rows(r"/whaleray ([a-z]+)")} == known


def test_it_lists_every_button_in_its_own_words() -> None:
    made = {}
    for file in (resources.files("templates") / "action").iterdir():
        label, description = file.read_text(encoding="utf-8").strip().split("\n")
        made[label] = description
    listed = {row[0]: row[1] for row in rows(r"^\| \*\*([A-Z][a-z]+)\*\* \| [^|]* \| (.*) \|$")}
    assert listed == made


def test_its_numbers_are_those_of_the_code() -> None:
    assert commands.MAX_COMMANDS == 10
    assert "at most ten are read" in PAGE
    assert (commands.DEFAULT_LINES, ENV_S, MAX_VALUE) == (50, 600, 32 * 1024)
    assert {"PORT", "SERVER_PORT", "PATH"} <= RESERVED


def test_what_it_links_to_is_there() -> None:
    links = [target for name in ("commands.md", "security.md") for target in _links((DOCS / name).read_text())]
    assert links
    assert [target for target in links if not (DOCS / target).exists()] == []


def _links(page: str) -> list[str]:
    """To other files of the documentation."""
    return re.findall(r"\]\(((?!http)[^)#]+)", page)
