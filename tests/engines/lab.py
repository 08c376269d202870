"""The engine contract's laboratory, with Docker's engine in it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from bot.model import Deployment
from bot.ports import Source
from infra.embedded.docker.client import Daemon
from infra.embedded.docker.engine import DockerEngine
from infra.embedded.docker.labels import Labels, deployment_of
from tests.engine.lab import STOP_S, Lab
from tests.engine.repository import PACKS

NOT_FOR_DEPENDENCIES = 'case "$PWD" in /skeleton*) exit 0;; esac\n'
"""The injected Dockerfile has the build tool fetch dependencies first, in a directory without the sources."""


class DockerLab(Lab):
    def make(self) -> DockerEngine:
        return DockerEngine(self.home, **{"stop_s": STOP_S, "young_s": 0, **self.options})

    def source(
        self, deployment: Deployment, script: str = PACKS, version: str = "", body: bytes | None = None
    ) -> Source:
        return super().source(deployment, NOT_FOR_DEPENDENCIES + script, version, body)

    def processes(self) -> list[str]:
        """Also what runs in a container, of a build or of an application: it knows whose it is by its environment."""
        known = [str(self.home).encode(), *(each.encode() for ids in self._known.values() for each in ids)]
        found = [self._command(each) for each in Path("/proc").glob("[0-9]*") if self._is_ours(each, known)]
        labels = Labels(self.home.resolve() / "docker")
        with Daemon().asked() as api:
            found += [one["Names"][0] for one in api.containers(filters=labels.filters())]
        return found

    def _is_ours(self, process: Path, known: list[bytes]) -> bool:
        if int(process.name) == os.getpid():
            return False
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            return False
        return any(each in text for each in known)

    def _command(self, process: Path) -> str:
        try:
            return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return process.name

    def traces(self, deployment_id: str) -> str:
        files = [path for path in (self.home / "docker").glob(f"*/{deployment_id}/**/*") if path.is_file()]
        shown = [path for path in files if path.suffix in (".json", ".log") or path.name in ("wanted", "made")]
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in shown)

    def orphan(self, deployment_id: str) -> None:
        for lock in (self.home / "docker" / "builds" / deployment_id).glob("runner.lock"):
            runner: dict[str, Any] = json.loads(lock.read_text())
            os.kill(runner["pid"], signal.SIGKILL)
        labels = Labels(self.home.resolve() / "docker")
        with Daemon().asked() as api:
            for one in api.containers(filters=labels.filters()):
                if deployment_of(one) == deployment_id:
                    api.kill(one["Id"])
