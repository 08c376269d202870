"""One SQLite file, several users of it in one process and in others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from infra.embedded.database import Database

SCHEMA = ("CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL)",)
OPENS_AND_CLOSES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(*(row[0] for row in connection.execute("SELECT text FROM notes")))
connection.close()
"""


def _note(text: str, connection: sqlite3.Connection) -> int:
    return connection.execute("INSERT INTO notes VALUES (?)", (text,)).rowcount


def _another_process(path: Path) -> list[str]:
    """What it reads before it closes the file."""
    command = [sys.executable, "-c", OPENS_AND_CLOSES, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.split()


async def test_what_is_written_stays_when_another_process_closes_the_file(tmp_path: Path) -> None:
    """Two users in this process (the inbox and the view share a file): the second one must not take the first one's
    lock away, or the other process, believing itself the last, would remove the log that is written to here."""
    first, second = Database(tmp_path / "x.db", SCHEMA), Database(tmp_path / "x.db", SCHEMA)
    try:
        await first.write(lambda connection: _note("before", connection))
        assert _another_process(first.path) == ["before"]
        await first.write(lambda connection: _note("after", connection))
        assert _another_process(first.path) == ["before", "after"]
    finally:
        await first.aclose()
        await second.aclose()


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", SCHEMA)
    try:
        await database.write(lambda connection: _note("secret", connection))
        assert _modes(tmp_path) == {0o600}
    finally:
        await database.aclose()


def _modes(directory: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in directory.glob("x.db*")}
