"""What one machine needs to build and run Spring Boot: checked, each with its mend."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.doctor import Check
from bot.errors import SettingsError
from infra.embedded.process import confine, jdks
from infra.embedded.process.limits import Group

LEAST_FREE = 2 * 1024**3
"""Bytes: a Spring Boot build with its dependencies takes 0.2 to 0.5 GB, a kept release 20 to 100 MB."""


def check(home: Path, environment: Mapping[str, str]) -> Iterator[Check]:
    """Each thing that the `process` engine needs of this machine."""
    yield _jdks(jdks.installed(environment, home / "process" / "jdk"))
    yield _tool(environment)
    yield _shelter()
    yield _disk(home)
    yield _memory()


def _jdks(found: list[jdks.Jdk]) -> Check:
    if not found:
        return Check.wrong(
            "JDK",
            SettingsError(
                "No JDK is installed.",
                "Java applications are built and run with one.",
                "Install it with: apt install openjdk-17-jdk-headless (Fedora: dnf install java-17-openjdk-devel).",
            ),
        )
    return Check("JDK", ", ".join(f"{jdk.major} ({jdk.home})" for jdk in found))


def _tool(environment: Mapping[str, str]) -> Check:
    """Only repositories without a wrapper need these, so their absence is no fault."""
    path = environment.get("PATH", os.defpath)
    found = [tool for tool in ("mvn", "gradle") if shutil.which(tool, path=path)]
    return Check("build tools", ", ".join([*found, "the wrappers of repositories"]))


def _shelter() -> Check:
    if confine.works():
        return Check("bubblewrap", "builds and applications are shut in")
    return Check.wrong(
        "bubblewrap",
        SettingsError(
            "bubblewrap does not work here.",
            "Builds and applications run as this user and could read its files; pull requests of forks are refused.",
            "Install it with: apt install bubblewrap",
        ),
    )


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(home).free
    if free >= LEAST_FREE:
        return Check("disk", f"{free >> 30} GB free at {home}")
    return Check.wrong(
        "disk",
        SettingsError(
            f"{home} has {free >> 20} MB left.",
            f"Builds need about {LEAST_FREE >> 30} GB.",
            "Make room, or name another directory in WHALERAY_HOME_DIR.",
        ),
    )


def _memory() -> Check:
    group = Group(f"doctor-{os.getpid()}", 64 * 1024**2)
    group.remove()
    return Check("memory limits", "by control group" if group.usable else "by watching (no control group is writable)")


def port(name: str, host: str, number: int, setting: str) -> Check:
    """Whether `number` can be listened on; what listens there already is told apart by the caller."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            why = "Another program listens there." if error.errno == errno.EADDRINUSE else f"{error.strerror}."
            return Check.wrong(
                name, SettingsError(f"Port {number} on {host} can't be used.", why, f"Choose another in {setting}.")
            )
    return Check(name, f"{host}:{number} is free")
