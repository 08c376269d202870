"""Processes that outlive the bot. A lock says that one lives, and the lock is taken before the process is there: it is
handed down to it, so two of a kind can't start, and no process id has to be believed.

The locks are open file description locks (fcntl(2)): held for as long as any descriptor of that opening is open.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.process.environment import allowed

PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])
_FLOCK = "hhqqi"
"""struct flock of 64-bit Linux: type, whence, start, length, pid."""
_FREE = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
_children: set[int] = set()
_children_lock = threading.Lock()


def start(module: str, lock: Path, environment: Mapping[str, str], feed: bytes = b"") -> bool:
    """Have `module.main` run on the lock's directory in a session of its own; False where one lives already.

    It gets nothing of the bot's but the allowed environment, and `feed` (at most a pipe's 64 KB) on its standard
    input: what must not be on a disk or a command line.
    """
    reap()
    descriptor = _take(lock)
    if descriptor is None:
        return False
    clean = allowed(environment) | {"HOME": "/nonexistent"}
    if "JAVA_HOME" in environment:
        clean["JAVA_HOME"] = environment["JAVA_HOME"]  # where to look for a JDK
    code = f"import sys; sys.path.insert(0, {PACKAGE_ROOT!r}); from {module} import main; main(*sys.argv[1:])"
    errors = os.open(lock.with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    source, target = os.pipe2(os.O_CLOEXEC)
    try:
        os.write(target, feed)
        process = subprocess.Popen(
            # -S and -I: the standard library is enough, and starts in half the time
            [sys.executable, "-S", "-I", "-c", code, str(lock.parent), str(descriptor)],
            env=clean,
            cwd="/",
            stdin=source,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            pass_fds=(descriptor,),
        )
    finally:
        for opened in (descriptor, errors, source, target):
            os.close(opened)
    with _children_lock:
        _children.add(process.pid)
    process.returncode = 0  # it is reaped below; its object need not mind
    return True


def reap() -> None:
    """Let go of those that ended, or they stay as zombies for as long as the bot lives."""
    with _children_lock:
        for pid in list(_children):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                _children.discard(pid)


def hold(descriptor: int) -> None:
    """In the detached process: say who holds the lock, and hand it down no further."""
    os.set_inheritable(descriptor, False)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "started": started_at(os.getpid())}).encode(), 0)


def let_go(descriptor: int) -> None:
    """In the detached process, which has nothing left to do: another one may start."""
    os.close(descriptor)


def running(lock: Path) -> bool:
    """Whether a process holds `lock`. Asking doesn't take it."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _FREE)
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)


def ran(lock: Path) -> bool:
    """Whether a process got as far as `hold`, whether or not it still lives."""
    try:
        return lock.stat().st_size > 0
    except FileNotFoundError:
        return False


def tell(lock: Path, number: signal.Signals) -> None:
    """Signal whoever holds `lock`. One that is only starting reads what it is to do before it does anything."""
    try:
        named = json.loads(lock.read_text())
    except (OSError, ValueError):
        return
    if running(lock) and started_at(named["pid"]) == named["started"]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(named["pid"], number)


def started_at(pid: int) -> str | None:
    """The start time of a living process, in clock ticks since boot; None when there is none (a zombie is none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def _take(lock: Path) -> int | None:
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FREE)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return descriptor
