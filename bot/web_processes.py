"""Further processes that only receive webhooks, on the socket that the first one bound: nobody else can join them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

STOP_S = 10.0
_PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def beside(sock: socket.socket | None, count: int) -> Iterator[None]:
    """`count` of them while inside. They end with this process, however it ends."""
    if sock is None or count < 1:
        yield
        return
    command = [sys.executable, "-m", "bot", "serve", "--role", "web", "--socket", str(sock.fileno())]
    started = [subprocess.Popen(command, pass_fds=(sock.fileno(),)) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)


def inherited(descriptor: int) -> socket.socket:
    """The socket of the process that started this one, which is ended when that one ends (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() == 1:
        raise SystemExit(0)  # it has ended already
    return socket.socket(fileno=descriptor)
