"""What the docker engine needs of this machine: checked, each with its mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.doctor import Check
from bot.errors import SettingsError, WhaleRayError
from infra.embedded.docker import cli
from infra.embedded.docker.client import Daemon, out_of_reach

OLDEST = (20, 10)


def check(home: Path, environment: Mapping[str, str]) -> Iterator[Check]:
    daemon = Daemon(environment, timeout_s=5)
    try:
        with daemon.asked() as api:
            version, info = api.version(), api.info()
    except WhaleRayError as error:
        yield Check.wrong("Docker", error)
    else:
        yield _version(str(version["Version"]), daemon.host)
        yield _reach(daemon.host, info)
        yield _limits(info)
    try:
        found = cli.builder(environment, cli.configuration(home / "docker" / "cli", environment))
    except WhaleRayError as error:
        yield Check.wrong("BuildKit", error)
    else:
        yield Check("BuildKit", f"{found} builds with it")


def _version(version: str, host: str) -> Check:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST:
        return Check("Docker", f"{version} at {host}")
    return Check.wrong(
        "Docker",
        SettingsError(f"Docker {version} is too old.", "Builds need BuildKit of 20.10 or newer.", "Upgrade it."),
    )


def _reach(host: str, info: Mapping[str, Any]) -> Check:
    reason = out_of_reach(host, info)
    if reason is None:
        return Check("containers", "reached at their own addresses")
    return Check.wrong(
        "containers",
        SettingsError(
            "The router can't reach containers of this Docker.",
            f"{reason[:1].upper()}{reason[1:]}.",
            "Use a Docker engine that runs as root on this machine (Linux), or WHALERAY_ENGINE=process.",
        ),
    )


def _limits(info: Mapping[str, Any]) -> Check:
    """A rootless engine without delegated control groups takes limits and does not keep them."""
    missing = [name for name, key in (("memory", "MemoryLimit"), ("CPU", "CpuCfsQuota")) if not info.get(key)]
    missing += [] if info.get("PidsLimit") else ["processes"]
    if not missing:
        return Check("limits", "memory, CPU and processes of each container")
    return Check.wrong(
        "limits",
        SettingsError(
            f"Docker can't limit {', '.join(missing)} here.",
            "Its control groups are not available; one application could take all of the machine.",
            "Run Docker as root, or delegate the control groups to it.",
        ),
    )
