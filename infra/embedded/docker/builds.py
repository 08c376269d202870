"""Builds of images: requests written, runners started. What they left is read as that of any build."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from bot.inspection.dockerfile import injected_dockerfile, injected_dockerignore
from bot.model import BuildPlan, BuildState, Deployment
from bot.ports import Source
from infra.embedded.docker import cli
from infra.embedded.docker.client import Daemon
from infra.embedded.docker.labels import Labels, image
from infra.embedded.process import detached
from infra.embedded.process.builds import Builds
from infra.embedded.process.environment import allowed
from infra.embedded.process.files import write_json

RUNNER = "infra.embedded.docker.runner"
COMMAND_MEMORY = 1024**3
"""Bytes that the `docker` command itself may use; what it has built runs in the Docker engine."""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
"""Docker knows these as build arguments that need no ARG and leave no trace in the image."""


class ImageBuilds(Builds):
    def __init__(
        self, root: Path, daemon: Daemon, labels: Labels, environment: Mapping[str, str], *, timeout_s: float, most: int
    ) -> None:
        super().__init__(root, environment, timeout_s=timeout_s, most=most, memory=COMMAND_MEMORY)
        self._daemon = daemon
        self._labels = labels
        self._config = cli.configuration(root / "cli", environment)
        self._cli = ""

    def begin(self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]) -> None:
        build = self.directory(deployment.id)
        if (build / "result.json").exists():
            return
        with self._daemon.asked() as api:
            storage = str(api.info()["DockerRootDir"])
        self._cli = self._cli or cli.builder(self._environment, self._config)
        build.mkdir(mode=0o700, exist_ok=True)
        if not (build / "request.json").exists():
            request = self._request(deployment, plan, source, variables)
            write_json(build / "request.json", {**request, "storage": storage})
        if self.see(build).state is BuildState.ABSENT:
            detached.start(RUNNER, build / "runner.lock", self._environment, source.token.encode())

    def _request(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> dict[str, object]:
        injected = plan.dockerfile is None
        tag = image(deployment.service_id, deployment.id)
        proxies = {name: value for name, value in self._environment.items() if name.lower() in _PROXIES}
        return {
            "id": deployment.id,
            "service_id": deployment.service_id,
            "layer": deployment.id,  # BuildKit sees to its caches itself
            "plan": plan.model_dump(mode="json"),
            "command": list(plan.command)
            if injected
            else ["docker", "build", "--file", plan.dockerfile, plan.context or "."],
            "url": source.url,
            "sha": source.sha,
            "variables": {**proxies, **variables, "ECR_IMAGE_URI": variables.get("ECR_IMAGE_URI") or tag},
            "timeout_s": self._timeout_s,
            "memory": self._memory,
            "max_builds": self._most,
            "confined": False,
            "at": time.time_ns(),
            "docker": self._cli,
            "environment": {
                **allowed(self._environment),
                **self._daemon.variables,
                **cli.variables(self._config),
            },
            "image": tag,
            "labels": self._labels.of(deployment.service_id, deployment.id),
            "dockerfile": injected_dockerfile(plan) if injected else None,
            "dockerignore": injected_dockerignore(plan) if injected else None,
        }
