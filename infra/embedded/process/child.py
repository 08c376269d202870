"""A build or an application while it runs: its process group, its memory limit, its output into a log."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.embedded.process.boundedlog import BoundedLog
from infra.embedded.process.detached import started_at
from infra.embedded.process.files import read_json, write_json
from infra.embedded.process.limits import Group, become_easy_victim, descendants, empty, resident

DRAIN_S = 5.0
_PR_SET_PDEATHSIG = 1


class Alarm:
    """A sleep that a child's end or any other signal ends at once."""

    def __init__(self) -> None:
        self._read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def sleep(self, seconds: float) -> None:
        select.select([self._read], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass


class Child:
    """A command in a session of its own.

    `record`: where its processes are written down, for `end_leftovers` should this process be killed. `limit`: bytes of
    memory. `shelter`: whether bubblewrap stands around it. Raises OSError where it can't be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        log: BoundedLog,
        *,
        name: str,
        limit: int,
        record: Path,
        confined: bool,
        nice: int = 0,
    ) -> None:
        self._limit = limit
        self._log = log
        self._record = record
        self._group = Group(f"{name}-{os.getpid()}", limit)
        dies_with_parent = None if confined else _death_signal()

        def inside() -> None:
            self._group.join()
            become_easy_victim()
            os.nice(nice)
            if dies_with_parent is not None:
                dies_with_parent()

        try:
            self._process = subprocess.Popen(
                argv,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=inside,  # noqa: PLW1509 - no other thread of this process holds a lock now
            )
        except OSError:
            self._group.remove()
            raise
        except subprocess.SubprocessError as error:
            self._group.remove()
            raise OSError(str(error)) from error
        group = str(self._group.path) if self._group.usable else None
        named = {"pid": self._process.pid, "started": started_at(self._process.pid), "group": group}
        with contextlib.suppress(OSError):
            write_json(record, named, durable=False)
        self._pump = threading.Thread(target=self._pumping, daemon=True)
        self._pump.start()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """SIGTERM to the command's own processes, not to what shuts them in: that would take them with it."""
        for pid in _own(self._process.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)

    def too_big(self) -> bool:
        """Whether it holds more memory than it may, where no control group sees to that."""
        return not self._group.usable and resident(self._process.pid) > self._limit

    @property
    def watched(self) -> bool:
        """Whether somebody must ask `too_big` again and again."""
        return not self._group.usable

    def end(self) -> int:
        """End all of it now, and everything that it left behind. The exit code."""
        _kill_group(self._process.pid)
        code = self._process.wait()
        self.ran_out = self._group.out_of_memory()
        self._group.remove()
        self._pump.join(DRAIN_S)
        self._record.unlink(missing_ok=True)
        return code

    ran_out = False
    """After `end`: whether the kernel ended something of it for want of memory."""

    def _pumping(self) -> None:
        pipe = self._process.stdout
        if pipe is None:
            return
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(pipe.fileno(), 65536):
                self._log.write(chunk)
        pipe.close()


def end_leftovers(record: Path) -> None:
    """End what a killed runner or supervisor left running, and forget it."""
    named = read_json(record)
    if named is None:
        return
    if named["started"] is not None and started_at(named["pid"]) == named["started"]:
        _kill_group(named["pid"])
    if named["group"]:
        empty(Path(named["group"]))
    record.unlink(missing_ok=True)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _own(pid: int) -> list[int]:
    """What bubblewrap started, or the process itself where nothing shuts it in."""
    found = descendants(pid)
    inner = [child for child in found if _name(child) != "bwrap"]
    return inner or found or [pid]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


class _DeathSignal:
    """prctl(PR_SET_PDEATHSIG, SIGKILL): an unconfined command ends with this process, as bubblewrap sees to else."""

    def __init__(self) -> None:
        import ctypes  # noqa: PLC0415 - only where bubblewrap isn't

        self._prctl = ctypes.CDLL(None).prctl

    def __call__(self) -> None:
        self._prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _death_signal() -> _DeathSignal:
    return _DeathSignal()
