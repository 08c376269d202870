"""Shutting a build or an application in with bubblewrap: it sees the system read-only and its own directories, and
nothing of the bot's."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt")
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
    "java-17-openjdk",
    "java-21-openjdk",
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
"""What name resolution, TLS and the JDKs of Debian and Fedora need of /etc; /etc/shadow and its like stay out."""
NOTICE = (
    "Notice: bubblewrap does not work here, so this runs unconfined, as the user that runs WhaleRay. "
    "Install it with: apt install bubblewrap\n"
)


@dataclass(frozen=True)
class Shelter:
    """What a confined command sees: `writable` and `readable` map host paths to paths inside."""

    writable: tuple[tuple[Path, str], ...]
    readable: tuple[tuple[Path, str], ...] = ()
    directory: str = "/"
    hidden_network: bool = False
    extra: tuple[Path, ...] = field(default_factory=tuple)
    """Directories that are seen under their own path, such as a JDK's."""


def command(shelter: Shelter, argv: Sequence[str]) -> list[str]:
    """`argv` inside bubblewrap."""
    line = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--new-session"]
    line += ["--hostname", "whaleray", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"]  # noqa: S108
    for path in SYSTEM:
        if os.path.islink(path):  # noqa: PTH114
            line += ["--symlink", os.readlink(path), path]  # noqa: PTH115
        elif Path(path).is_dir():
            line += ["--ro-bind", path, path]
    for name in ETC:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for path_ in shelter.extra:
        if not str(path_).startswith(tuple(f"{system}/" for system in SYSTEM)):
            line += ["--ro-bind", str(path_), str(path_)]
    for outside, inside in shelter.readable:
        line += ["--ro-bind", str(outside), inside]
    for outside, inside in shelter.writable:
        line += ["--bind", str(outside), inside]
    return [*line, "--chdir", shelter.directory, "--", *argv]


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
