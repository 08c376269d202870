"""Memory limits by control group where this user may make one, else by watching what the processes hold."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

V1 = Path("/sys/fs/cgroup/memory")
V2 = Path("/sys/fs/cgroup")
_PAGE = os.sysconf("SC_PAGE_SIZE")
EASY_VICTIM = "500"
"""Added to /proc/self/oom_score_adj: a machine out of memory ends a build or an application, not the bot."""


class Group:
    """A control group with a memory limit in bytes; `usable` says whether this machine let us make it."""

    def __init__(self, name: str, limit: int) -> None:
        self._v1 = (V1 / "memory.limit_in_bytes").exists()
        self.path = (V1 if self._v1 else V2) / "whaleray" / name
        self.usable = self._make(limit)

    def _make(self, limit: int) -> bool:
        if not self._v1 and not (V2 / "cgroup.controllers").exists():
            return False  # what is mounted there is no control group
        try:
            self.path.parent.mkdir(exist_ok=True)
            self.path.mkdir(exist_ok=True)
            if not self._v1:
                (self.path.parent / "cgroup.subtree_control").write_text("+memory")
            (self.path / ("memory.limit_in_bytes" if self._v1 else "memory.max")).write_text(str(limit))
        except OSError:
            return False
        with contextlib.suppress(OSError):  # swap accounting may be off
            if self._v1:
                (self.path / "memory.memsw.limit_in_bytes").write_text(str(limit))
            else:
                (self.path / "memory.swap.max").write_text("0")
        return os.access(self.path / "cgroup.procs", os.W_OK)

    def join(self) -> None:
        """Move this process in; its children follow."""
        if self.usable:
            with contextlib.suppress(OSError):
                (self.path / "cgroup.procs").write_text("0")

    def out_of_memory(self) -> bool:
        """Whether the kernel killed something here for want of memory."""
        if not self.usable:
            return False
        try:
            lines = (self.path / ("memory.oom_control" if self._v1 else "memory.events")).read_text().splitlines()
        except OSError:
            return False
        return any(int(line.split()[1]) > 0 for line in lines if line.split()[0] == "oom_kill")

    def remove(self) -> None:
        """End whatever is in it, also what has left its process group, and the group with it."""
        if self.usable:
            empty(self.path)


def empty(group: Path) -> None:
    """End the processes of a control group and remove it; nothing where it is gone."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            pids = [int(line) for line in (group / "cgroup.procs").read_text().split()]
        except OSError:
            return
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    with contextlib.suppress(OSError):
        group.rmdir()


def become_easy_victim() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(EASY_VICTIM)


def resident(root: int) -> int:
    """Bytes that a process and its descendants hold in memory."""
    return sum(_rss(pid) for pid in (root, *descendants(root)))


def descendants(root: int) -> list[int]:
    """Those that live now; processes come and go while they are counted."""
    found: list[int] = []
    todo = [root]
    while todo:
        pid = todo.pop()
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - often, where nothing else limits memory
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123
                    children = [int(child) for child in file.read().split()]
                    todo += children
                    found += children
    return found


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
