"""Shutting a build or an application in with bubblewrap: it sees the system read-only and its own directories, and
nothing of the bot's. The network is shared: both need it, and applications listen on loopback."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Not /opt: people install WhaleRay there, its `.env` and private key beside it. A JDK or tool there is seen alone."""
ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "fonts",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "maven",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
"""What name resolution, TLS and tools of Debian and Fedora need of /etc; /etc/shadow and its like stay out."""
KERNEL = ("sys", "sysrq-trigger", "irq", "bus")
"""Of /proc: root's files even in a user namespace, so that root's builds could set the machine's core pattern."""
NOBODY = "65534"
NOTICE = (
    "Notice: this runs unconfined, as the user that runs WhaleRay, because bubblewrap does not work here. "
    "To shut it in: apt install bubblewrap\n"
)


class Shelter(NamedTuple):
    """What a confined command sees: `writable` and `readable` map host paths to paths inside.

    None of the host paths may lie in a directory that a confined command could have written: it could have put a
    symlink there, and bubblewrap would follow it.
    """

    writable: tuple[tuple[Path, str], ...]
    readable: tuple[tuple[Path, str], ...] = ()
    directory: str = "/"
    extra: tuple[Path, ...] = ()
    """What is seen under its own path, such as a JDK."""


def command(shelter: Shelter, argv: Sequence[str]) -> list[str]:
    """`argv` inside bubblewrap."""
    line = ["bwrap", "--die-with-parent", "--new-session"]
    # as root bubblewrap would leave its command all capabilities, so it gets a user namespace and drops them
    line += ["--unshare-user", "--cap-drop", "ALL", *(_somebody_else() if os.getuid() == 0 else ())]
    line += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "whaleray"]
    line += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"]
    for name in KERNEL:
        line += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    for path in SYSTEM:
        if os.path.islink(path):  # noqa: PTH114
            line += ["--symlink", os.readlink(path), path]  # noqa: PTH115
        elif Path(path).is_dir():
            line += ["--ro-bind", path, path]
    for name in (*ETC, *(found.name for found in Path("/etc").glob("java-*-openjdk"))):
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for outside, inside in shelter.readable:
        line += ["--ro-bind", str(outside), inside]
    for outside, inside in shelter.writable:
        line += ["--bind", str(outside), inside]
    for tool in shelter.extra:
        if not str(tool).startswith(tuple(f"{system}/" for system in SYSTEM)):
            line += ["--ro-bind", str(tool), str(tool)]
    return [*line, "--remount-ro", "/", "--chdir", shelter.directory, "--", *argv]


def _somebody_else() -> tuple[str, ...]:
    return ("--uid", NOBODY, "--gid", NOBODY)


@functools.cache
def works() -> bool:
    """Whether bubblewrap is there and may do what it has to; asked once a process."""
    if shutil.which("bwrap") is None:
        return False
    try:
        tried = subprocess.run(command(Shelter(writable=()), ["true"]), capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
