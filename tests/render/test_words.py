"""What people read, word for word. A change of words is a change of these snapshots, to be read in review."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from jinja2 import Environment, PackageLoader
from syrupy.assertion import SnapshotAssertion

from bot.ports import CheckRun
from bot.render.words import environment
from tests.render.cases import ALL_TEXTS, CHECKS

KINDS = ("md", "txt")
FOLDERS = ("action/", "check/", "comment/", "failure/", "neutral/", "plan/", "reply/", "time/", "cut.")
"""What `bot.render` fills in; other templates have tests of their own."""


def shown(check: CheckRun) -> str:
    """A check as its reader meets it."""
    return "\n".join(
        [
            f"{check.status} {check.conclusion or ''} {check.external_id} {check.details_url or ''}",
            *(f"[{a.label}] {a.description} ({a.identifier})" for a in check.actions),
            f"# {check.title}",
            check.summary,
            *(["", "---", check.text] if check.text else []),
            *(f"@@ {a.path}:{a.line} {a.level}: {a.title}\n{a.message}" for a in check.annotations),
        ]
    )


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_says(name: str, snapshot: SnapshotAssertion) -> None:
    assert shown(CHECKS[name]()) == snapshot


@pytest.mark.parametrize("name", ALL_TEXTS)
def test_a_comment_says(name: str, snapshot: SnapshotAssertion) -> None:
    assert str(ALL_TEXTS[name]()) == snapshot


class Noting(PackageLoader):
    """Notes which templates are read."""

    def __init__(self, package: str, folder: str) -> None:
        super().__init__(package, folder)
        self.seen: set[str] = set()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool] | None]:
        self.seen.add(template)
        return super().get_source(environment, template)


def test_every_template_of_words_is_in_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    noting = Noting("templates", "")
    for kind in KINDS:
        made = environment(kind, "en")
        monkeypatch.setattr(made, "loader", noting)
        if made.cache is not None:
            made.cache.clear()
    for check in CHECKS.values():
        check()
    for text in ALL_TEXTS.values():
        text()
    words = {name for name in noting.list_templates() if name.startswith(FOLDERS)}
    assert len(words) > len(FOLDERS)
    assert words - noting.seen == set()
