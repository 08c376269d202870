"""What a process of this machine uses, as Linux tells it under /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Use:
    rss: int
    """Bytes of memory that are its, shared ones included."""
    pss: int
    """The same with each shared page divided by those who share it."""
    descriptors: int
    threads: int
    cpu_s: float
    """Processor time since its start."""


def use(pid: int) -> Use:
    """Raises OSError when it has ended."""
    proc = Path("/proc") / str(pid)
    told = {}
    for line in (proc / "smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        told[name] = int(value.split()[0]) * 1024
    fields = (proc / "stat").read_text().rsplit(")", 1)[1].split()
    return Use(
        rss=told["Rss"],
        pss=told["Pss"],
        descriptors=len(list((proc / "fd").iterdir())),
        threads=int(fields[17]),
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS,
    )


def stored(home: Path) -> int:
    """Bytes of the databases in a state directory, write-ahead logs included."""
    return sum(file.stat().st_size for pattern in ("*.db", "*.db-wal") for file in home.glob(pattern))
