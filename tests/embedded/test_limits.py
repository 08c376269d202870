"""What processes hold, also while they come and go."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.embedded.process import limits
from infra.embedded.process.limits import Group, descendants, resident


def test_children_and_their_children_are_found() -> None:
    script = "sh -c 'echo ready; sleep 60' & wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(descendants(process.pid)) >= 1
        assert resident(process.pid) > 0
        os.killpg(process.pid, 9)


def test_one_that_is_gone_holds_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert descendants(process.pid) == []
    assert resident(process.pid) == 0


def test_processes_that_come_and_go_are_no_error() -> None:
    script = "while :; do true | true | true; done"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True) as process:
        for _ in range(300):
            resident(process.pid)
        os.killpg(process.pid, 9)


@pytest.mark.parametrize("root", ["missing", "ordinary"])
def test_a_control_group_that_cannot_be_made_is_not_usable_and_harms_nothing(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ordinary").mkdir()
    monkeypatch.setattr(limits, "V1", tmp_path / root)
    monkeypatch.setattr(limits, "V2", tmp_path / root)
    group = Group("x", 1024)
    assert not group.usable
    group.join()
    assert not group.out_of_memory()
    group.remove()
    assert list(tmp_path.rglob("*")) == [tmp_path / "ordinary"]
