"""The `docker` command that builds: the one way to BuildKit that every Docker since 20.10 has. The SDK speaks only to
the classic builder."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bot.errors import UserError
from infra.embedded.process.files import write_json

_BUILT_IN_UNTIL = 23
"""From this version on the command has BuildKit in its plugin buildx only."""
_ASK_S = 10.0


def builder(environment: Mapping[str, str], config: Path) -> str:
    """The first `docker` on PATH that builds with BuildKit. `config`: see `configuration`. Raises UserError."""
    found = []
    for directory in environment.get("PATH", os.defpath).split(os.pathsep):
        path = Path(directory or ".") / "docker"
        if path.is_file() and os.access(path, os.X_OK):
            found.append(str(path))
            if _builds(str(path), config):
                return str(path)
    if found:
        raise UserError(
            "Docker can't build with BuildKit on this machine.",
            f"{found[0]} has no plugin buildx.",
            "Whoever runs WhaleRay installs it: docker-buildx-plugin of Docker's packages, docker-buildx of Debian's.",
        )
    raise UserError(
        "There is no `docker` command on this machine.",
        "Builds are done by it.",
        "Whoever runs WhaleRay installs it: docker-ce-cli of Docker's packages, docker.io or docker-cli of Debian's.",
    )


def configuration(directory: Path, environment: Mapping[str, str]) -> Path:
    """A configuration of our own, without anybody's passwords for registries: a repository names what is pulled. It
    knows the plugins that the user has installed."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (directory / "config.json").exists():
        plugins = Path(environment.get("HOME", "/root")) / ".docker" / "cli-plugins"
        write_json(directory / "config.json", {"cliPluginsExtraDirs": [str(plugins)]})
    return directory


def variables(config: Path) -> dict[str, str]:
    """For the command, beside where its engine is."""
    return {"DOCKER_CONFIG": str(config), "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain", "HOME": "/nonexistent"}


def _builds(docker: str, config: Path) -> bool:
    version = re.search(r"\bversion (\d+)\.", _said([docker, "--version"], config))
    if version is not None and int(version[1]) < _BUILT_IN_UNTIL:
        return True
    return "buildx" in _said([docker, "buildx", "version"], config)


def _said(command: list[str], config: Path) -> str:
    """What it prints where it succeeds, else nothing."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), **variables(config)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
