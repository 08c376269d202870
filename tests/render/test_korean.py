"""The same in Korean: every template that has words, in the same terms and with the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from jinja2 import ChoiceLoader, Environment, PackageLoader, meta
from syrupy.assertion import SnapshotAssertion

from bot import commands, render
from bot.language import speak
from bot.model import Stage
from bot.render import limits
from bot.render.check import action
from bot.render.words import environment
from tests.render.cases import ALL_TEXTS, CHECKS
from tests.render.github import linked, tokens
from tests.render.language import speaking
from tests.render.scenes import LOG, NOON, deployment, scene
from tests.render.test_words import FOLDERS, KINDS, Noting, shown

WORDLESS = {
    "check/summary.md.j2",
    "comment/sticky.md.j2",
    "neutral/problem.txt.j2",
    "plan/build.md.j2",
    "plan/tool.txt.j2",
    "plan/version.md.j2",
    "reply/answer.md.j2",
}
"""Names, and the order of things: the same in every language."""
ENGLISH = PackageLoader("templates", "")
KOREAN = PackageLoader("templates", "ko")
HANGUL = re.compile("[가-힣]")
WITH_WORDS = sorted({name for name in ENGLISH.list_templates() if name.startswith(FOLDERS)} - WORDLESS)


@pytest.fixture(autouse=True)
def korean() -> Iterator[None]:
    with speaking("ko"):
        yield


def source(loader: PackageLoader, name: str) -> str:
    return loader.get_source(Environment(loader=loader), name)[0]  # noqa: S701 - only read


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_says(name: str, snapshot: SnapshotAssertion) -> None:
    assert shown(CHECKS[name]()) == snapshot


@pytest.mark.parametrize("name", ALL_TEXTS)
def test_a_comment_says(name: str, snapshot: SnapshotAssertion) -> None:
    assert str(ALL_TEXTS[name]()) == snapshot


def test_every_template_with_words_has_korean_and_none_is_left_over() -> None:
    assert KOREAN.list_templates() == WITH_WORDS
    assert set(ENGLISH.list_templates()) >= WORDLESS


@pytest.mark.parametrize("name", WITH_WORDS)
def test_korean_is_korean_and_says_of_the_same_values(name: str) -> None:
    korean, english = source(KOREAN, name), source(ENGLISH, name)
    assert HANGUL.search(korean)
    parse = environment("md", "ko").parse
    assert meta.find_undeclared_variables(parse(korean)) == meta.find_undeclared_variables(parse(english))


def test_every_korean_template_is_in_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    noting = Noting("templates", "ko")
    for kind in KINDS:
        made = environment(kind, "ko")
        monkeypatch.setattr(made, "loader", ChoiceLoader([noting, ENGLISH]))
        if made.cache is not None:
            made.cache.clear()
    for check in CHECKS.values():
        check()
    for text in ALL_TEXTS.values():
        text()
    assert set(noting.list_templates()) - noting.seen == set()


@pytest.mark.parametrize("name", ["deploy", "redeploy", "rollback", "diagnose"])
def test_a_button_keeps_githubs_limits(name: str) -> None:
    button = action(name)
    assert 0 < len(button.label) <= 20
    assert 0 < len(button.description) <= 40
    assert button.identifier == name


def test_every_command_has_its_help() -> None:
    lines = [line for line in render.help_reply().splitlines() if "/whaleray" in line]
    assert len(lines) == len(commands.KNOWN)
    assert [line for line in lines if not HANGUL.search(line)] == []


def test_every_emphasis_is_one_also_before_a_particle() -> None:
    """`**` between a mark and a letter doesn't close: a particle right after a code span in bold would show it."""
    documents = {name: made().summary for name, made in CHECKS.items()}
    documents |= {name: made() for name, made in ALL_TEXTS.items() if not name.startswith("description")}
    left = {n for n, said in documents.items() if any(t.type == "text" and "**" in t.content for t in tokens(said))}
    assert left == set()
    assert [found for said in documents.values() for found in linked(said)] == []


@pytest.mark.parametrize("stage", [Stage.BUILDING, Stage.DEPLOYING])
def test_time_alone_is_not_worth_a_write(stage: Stage) -> None:
    def written(now: float, log: str = LOG) -> str:
        return render.fingerprint(render.check_run(scene(deployment(stage), log=log, now=now, log_at=now)))

    assert written(NOON + 100) == written(NOON + 4000)
    assert written(NOON + 100, LOG + "\nnews") != written(NOON + 100)


def test_the_stage_is_the_first_word_of_a_title() -> None:
    for stage in Stage:
        title = render.check_run(scene(deployment(stage))).title
        assert title.split()[0] == stage.value
        assert len(title) <= limits.TITLE_CHARACTERS


def test_what_is_spoken_is_spoken_by_the_whole_process_until_told_otherwise() -> None:
    assert HANGUL.search(render.unlocked())
    speak("en")
    assert not HANGUL.search(render.unlocked())
