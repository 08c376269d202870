"""What a person would read of a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.normalise import LONGEST, normalise


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("\x1b[31;1mERROR\x1b[0m broken", "ERROR broken"),
        ("^[[38;5;9mFAILED^[[0m test", "FAILED test"),
        ("[33mwarn[0m it", "[33mwarn[0m it".replace("[33m", "").replace("[0m", "")),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("10%\r55%\r100% done", "100% done"),
        ("travis_fold:start:x\r\x1b[0Kcloning", "cloning"),
        ("a line of Windows\r", "a line of Windows"),
        ("2024-05-01T10:11:12.1234567Z ##[error]Process completed", "##[error]Process completed"),
        ("build\tRun tests\t2024-05-01T10:11:12.1Z FAIL x", "FAIL x"),
        ("[10:11:12] compile", "compile"),
        ("#12 3.456 E: Unable to locate package", "E: Unable to locate package"),
        ("bell\x07 and null\x00", "bell and null"),
        ("  indented stays", "  indented stays"),
        ("at com.acme.Main.main(Main.java:10:11:12)", "at com.acme.Main.main(Main.java:10:11:12)"),
    ],
)
def test_a_line_is_read_as_a_person_sees_it(raw: str, read: str) -> None:
    assert normalise(raw) == read


def test_a_line_of_megabytes_is_cut() -> None:
    assert len(normalise("x" * 10_000_000)) == LONGEST
    assert normalise("\r" * 1_000_000 + "seen" + "\r" * 1_000_000) == "seen"


@given(st.text(st.characters(exclude_characters="\n")))
def test_any_line_becomes_one_line(raw: str) -> None:
    assert "\n" not in normalise(raw)
    assert "\r" not in normalise(raw)
