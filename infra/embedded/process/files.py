"""Small files that outlive processes: written whole or not at all; processes named by id and start time."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
ALLOWED = (
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "MVNW_REPOURL",
)
"""Of the bot's environment builds and applications see these and PATH: language, proxy, CA and mirror settings."""


def allowed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: environment[name] for name in ALLOWED if name in environment}
    return found | {"PATH": environment.get("PATH", os.defpath)}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Whole or not at all, mode 0600, on the disk when this returns."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value


def started_at(pid: int) -> str | None:
    """The start time of a living process, in clock ticks since boot; None when there is none (a zombie is none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def write_pid(path: Path) -> None:
    """Name this process in `path`."""
    write_json(path, {"pid": os.getpid(), "started": started_at(os.getpid()), "boot": boot_id()})


def living(path: Path) -> int | None:
    """The id of the process that `path` names, where it still lives."""
    named = read_json(path)
    if named is None or named.get("boot") != boot_id() or started_at(named["pid"]) != named["started"]:
        return None
    return int(named["pid"])


def alone(path: Path) -> bool:
    """Whether this process is the first to hold `path`, for as long as it lives: two of a kind can't both go on."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def boot_id() -> str:
    """Start times count from boot: this tells one boot from another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def detach(module: str, arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
    """Start `python -m module` in a session of its own, with nothing of the bot's but the allowed environment."""
    clean = allowed_environment(environment) | {"PYTHONPATH": str(PACKAGE_ROOT), "HOME": "/nonexistent"}
    if "JAVA_HOME" in environment:
        clean["JAVA_HOME"] = environment["JAVA_HOME"]  # where to look for a JDK
    descriptor = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=clean,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
