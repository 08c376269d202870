"""Comments into commands: only what its author meant for WhaleRay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import (
    KNOWN,
    MAX_COMMANDS,
    BadArgument,
    Cancel,
    Deploy,
    Help,
    Lock,
    Logs,
    Rollback,
    Status,
    Unknown,
    help_lines,
    parse,
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/whaleray deploy", [Deploy(0)]),
        ("/whaleray   DEPLOY  main  ", [Deploy(0, target="main")]),
        ("/whaleray deploy feature/x_1.2", [Deploy(0, target="feature/x_1.2")]),
        ("Looks good.\r\n/whaleray deploy\r\n/whaleray status", [Deploy(0), Status(1)]),
        ("/whaleray rollback 3f9c2ab\n/whaleray cancel", [Rollback(0, target="3f9c2ab"), Cancel(1)]),
        ("/whaleray", [Help(0)]),
        ("/whaleray help", [Help(0)]),
        ("/whaleray depoly", [Unknown(0, word="depoly", nearest="deploy")]),
        ("/whaleray sing", [Unknown(0, word="sing", nearest=None)]),
        ("/whaleray logs", [Logs(0, lines=50)]),
        ("/whaleray logs 200", [Logs(0, lines=200)]),
        ("/whaleray logs 0", [BadArgument(0, of="logs", argument="0", expected="logs [n]")]),
        ("/whaleray logs ٣", [BadArgument(0, of="logs", argument="٣", expected="logs [n]")]),
        ("/whaleray logs 99999999999", [BadArgument(0, of="logs", argument="99999999999", expected="logs [n]")]),
        ("/whaleray lock load test until 3 pm", [Lock(0, reason="load test until 3 pm")]),
        ("/whaleray status now", [BadArgument(0, of="status", argument="now", expected="status")]),
        ("/whaleray deploy a b", [BadArgument(0, of="deploy", argument="a b", expected="deploy [sha|branch]")]),
        ("/whaleray deploy --force", [BadArgument(0, of="deploy", argument="--force", expected="deploy [sha|branch]")]),
        ("```\n/whaleray help\n```\n/whaleray status", [Status(0)]),
        ("~~~~ sh\n/whaleray deploy\n~~~\n/whaleray deploy\n~~~~", []),
        ("```\n/whaleray deploy", []),
        ("````\n```\n/whaleray deploy\n```\n````", []),
        ("<!-- tip:\n/whaleray deploy\n-->\n/whaleray status", [Status(0)]),
        ("<!-- /whaleray deploy -->", []),
        ("<!-- an open comment\n/whaleray deploy", []),
        ("> /whaleray deploy", []),
        ("  /whaleray deploy", []),
        ("please /whaleray deploy", []),
        ("/whalerays deploy", []),
        ("/whaleray-deploy", []),
        ("", []),
    ],
)
def test_a_comment_means(body: str, expected: list[object]) -> None:
    assert parse(body) == expected


def test_a_comment_of_many_commands_is_cut() -> None:
    assert len(parse("/whaleray status\n" * 500)) == MAX_COMMANDS


def test_every_command_has_its_help() -> None:
    assert [usage for usage, _ in help_lines()] == [f"/whaleray {kind.usage}" for kind in KNOWN]
    assert all(meaning for _, meaning in help_lines())


@given(st.text(max_size=300))
def test_any_text_parses_and_ordinals_count_up(body: str) -> None:
    assert [c.ordinal for c in parse(body)] == list(range(len(parse(body))))


@given(st.text(alphabet="/whaleray deploy`~<!->\n ", max_size=200))
def test_a_quoted_comment_never_commands(body: str) -> None:
    assert parse("\n".join("> " + line for line in body.splitlines())) == []
