"""A router for a test, in a process of its own: `python supervised.py HOME`, which holds `config.json`.

While it holds a file `locked` nobody can look a service up; with a file `slow` that takes a moment.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path

from infra.embedded.registry import SqliteRegistry
from router.config import RouterConfig
from router.errors import RouterError
from router.supervisor import run_router


def main(home: Path) -> int:
    given = json.loads((home / "config.json").read_text())
    config = RouterConfig(state_dir=home / "router", **given)
    registry = SqliteRegistry(home / "registry.db", f"http://127.0.0.1:{config.port}", config.probe_token)

    def lookup(service_id: str) -> list[str] | None:
        if (home / "locked").exists():
            raise sqlite3.OperationalError("database is locked")
        if (home / "slow").exists():
            time.sleep(0.2)
        return registry.lookup(service_id)

    try:
        run_router(config, lookup, registry.listed)
    except RouterError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
