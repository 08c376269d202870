"""A log keeps its beginning and its end, within its bound, and never stops whoever writes it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from infra.embedded.process import boundedlog
from infra.embedded.process.boundedlog import BoundedLog


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundedlog, "HEAD", 100)
    monkeypatch.setattr(boundedlog, "SEGMENT", 200)


def write(path: Path, lines: range) -> None:
    log = BoundedLog(path)
    for number in lines:
        log.write(f"line {number:04}\n".encode())
    log.close()


def test_a_short_log_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "x.log", range(5))
    assert boundedlog.read(tmp_path / "x.log").splitlines() == [f"line {n:04}" for n in range(5)]


def test_none_is_empty(tmp_path: Path) -> None:
    assert boundedlog.read(tmp_path / "x.log") == ""
    assert boundedlog.size(tmp_path / "x.log") == 0


def test_a_log_that_just_fills_its_beginning_and_a_segment_has_lost_nothing(tmp_path: Path) -> None:
    write(tmp_path / "x.log", range(30))
    assert boundedlog.read(tmp_path / "x.log").splitlines() == [f"line {n:04}" for n in range(30)]


def test_a_long_log_keeps_beginning_and_end_and_says_what_it_lost(tmp_path: Path) -> None:
    write(tmp_path / "x.log", range(1000))
    text = boundedlog.read(tmp_path / "x.log")
    lines = text.splitlines()
    assert lines[0] == "line 0000"
    assert lines[-1] == "line 0999"
    lost = next(int(line.split()[1]) for line in lines if "were left out here" in line)
    kept = sum(len(line) + 1 for line in lines if line.startswith("line"))
    assert kept + lost == 1000 * 10
    assert kept <= 100 + 2 * 200 + 3 * 10


def test_a_new_process_goes_on_where_the_old_one_stopped(tmp_path: Path) -> None:
    for start in range(0, 300, 25):
        write(tmp_path / "x.log", range(start, start + 25))
        assert boundedlog.read(tmp_path / "x.log").splitlines()[-1] == f"line {start + 24:04}"
    lines = boundedlog.read(tmp_path / "x.log").splitlines()
    tail = [int(line.split()[1]) for line in lines if line.startswith("line")]
    assert tail == sorted(tail), "in the order written"


def test_its_size_changes_with_each_write(tmp_path: Path) -> None:
    log, sizes = BoundedLog(tmp_path / "x.log"), []
    for _ in range(200):
        log.write(b"0123456789")
        sizes.append(boundedlog.size(tmp_path / "x.log"))
    log.close()
    assert all(one != next_one for one, next_one in itertools.pairwise(sizes))


def test_files_are_the_bots_alone(tmp_path: Path) -> None:
    write(tmp_path / "x.log", range(100))
    assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("x*") if file.suffix != ".cut"} == {"0o600"}


def test_on_a_full_disk_what_does_not_fit_is_lost_and_the_writer_lives_on(tmp_path: Path) -> None:
    (tmp_path / "x.log").symlink_to("/dev/full")
    log = BoundedLog(tmp_path / "x.log")
    for _ in range(50):
        log.write(b"0123456789")
    log.close()


def test_a_log_whose_directory_was_removed_stops_nobody(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    log = BoundedLog(directory / "x.log")
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
    for _ in range(50):
        log.write(b"0123456789")
    log.close()
