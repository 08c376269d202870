"""Instances as the bot sees them: what each is to be is written down, and its container made, kept or stopped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker import APIClient
from docker.errors import ImageNotFound

from bot.errors import OurError
from bot.model import BuildPlan, Deployment, Instance, Release, Service
from infra.embedded.docker.client import Daemon
from infra.embedded.docker.containers import Containers, instance
from infra.embedded.docker.labels import Labels
from infra.embedded.docker.network import Network
from infra.embedded.process import wanted
from infra.embedded.process.builds import safe
from infra.embedded.process.files import read_json, write_json

_PROXIES = ("http_proxy", "https_proxy", "no_proxy")


class Instances:
    """Under `root/instances/<deployment>/<number>`."""

    def __init__(
        self,
        root: Path,
        daemon: Daemon,
        labels: Labels,
        environment: Mapping[str, str],
        *,
        router_url: str,
        stop_s: float,
    ) -> None:
        self._root = root
        self._daemon = daemon
        self._labels = labels
        self._proxies = {name: value for name, value in environment.items() if name.lower() in _PROXIES}
        self._router = urlsplit(router_url)
        self._stop_s = math.ceil(stop_s)  # Docker counts whole seconds
        self._network = Network(root, labels)
        self._containers = Containers(root, daemon, labels, self._network, stop_s=self._stop_s)

    def directory(self, deployment_id: str) -> Path:
        return self._root / "instances" / safe(deployment_id)

    def start(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        self.directory(deployment.id).mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._cancelled(deployment.id):
            return
        spec = self._spec(service, plan, release, env)
        with self._daemon.asked() as api:
            try:
                api.inspect_image(release.artifact)  # type: ignore[no-untyped-call]  # the stubs give no types
            except ImageNotFound as error:
                raise OurError(
                    f"The release of {deployment.short_sha} is gone.",
                    f"Docker has no image {release.artifact} any more.",
                    "Deploy the commit again.",
                ) from error
            for number in range(plan.instances):
                directory = self.directory(deployment.id) / str(number)
                self._specify(api, directory, spec)
                with wanted.changing(directory):
                    if self._cancelled(deployment.id):
                        wanted.write(directory, "stop")
                    elif not (directory / "wanted").exists():
                        wanted.write(directory, "try")
                    if wanted.read(directory) != "stop":
                        self._containers.begin(api, directory)

    def _spec(self, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]) -> dict[str, Any]:
        graceful = {"SERVER_SHUTDOWN": "graceful", "SERVER_FORWARD_HEADERS_STRATEGY": "framework"}
        forced = {"SERVER_ADDRESS": "0.0.0.0", "SERVER_PORT": str(service.port), "PORT": str(service.port)}  # noqa: S104
        return {
            "service_id": service.service_id,
            "image": release.artifact,
            "port": service.port,
            "env": {**self._proxies, **graceful, **env, **forced},
            "memory": plan.memory_mb * 1024**2,
            "cpu": plan.cpu,
            "read_only": plan.dockerfile is None,  # where somebody else's image writes is not ours to know
            "health_path": plan.health.path,
            "actuator": plan.health.actuator,
            "scheme": self._router.scheme,
            "host": self._router.netloc,
            "stop_s": self._stop_s,
        }

    def _specify(self, api: APIClient, directory: Path, spec: Mapping[str, Any]) -> None:
        if (directory / "spec.json").exists():
            return
        directory.mkdir(mode=0o700, exist_ok=True)
        name = instance(directory)
        write_json(directory / "spec.json", {**spec, "name": name, "address": self._network.take(api, name)})

    def scale(self, deployment_id: str, count: int) -> None:
        """The first `count` are kept alive from now on, the others stopped."""
        if count > 0 and self._cancelled(deployment_id):
            count = 0
        known = self.each(deployment_id)
        spec = read_json(known[0] / "spec.json") if known else None
        if spec is None:
            return  # it never ran here
        with self._daemon.asked() as api:
            for number, directory in enumerate(known):
                if number < count:
                    self._containers.keep(api, directory)
                else:
                    self._containers.stop(api, directory)
            for number in range(len(known), count):
                directory = self.directory(deployment_id) / str(number)
                self._specify(api, directory, spec)
                self._containers.keep(api, directory)

    def cancel(self, deployment_id: str) -> None:
        """Stop them for good: none of this deployment starts again."""
        directory = self.directory(deployment_id)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "cancelled").touch()
        self.scale(deployment_id, 0)

    def _cancelled(self, deployment_id: str) -> bool:
        return (self.directory(deployment_id) / "cancelled").exists()

    def see(self, deployment_id: str) -> tuple[Instance, ...]:
        directories = self.each(deployment_id)
        if not directories:
            return ()
        with self._daemon.asked() as api, ThreadPoolExecutor(len(directories)) as pool:
            return tuple(filter(None, pool.map(lambda directory: self._containers.see(api, directory), directories)))

    def log(self, deployment_id: str) -> str:
        directories = self.each(deployment_id)
        if not directories:
            return ""
        with self._daemon.asked() as api:
            logs = [self._containers.log(api, directory) for directory in directories]
        return "\n".join(filter(None, logs))

    def lives(self, api: APIClient, deployment_id: str) -> bool:
        return any(self._containers.lives(api, directory) for directory in self.each(deployment_id))

    def images(self, deployment_id: str) -> Iterator[str]:
        """What its instances run."""
        for directory in self.each(deployment_id):
            if spec := read_json(directory / "spec.json"):
                yield spec["image"]

    def give_back(self, deployment_id: str) -> None:
        self._network.give_back([instance(directory) for directory in self.each(deployment_id)])

    def end(self, api: APIClient, containers: Sequence[dict[str, Any]]) -> None:
        """`containers`: as Docker lists them."""
        self._containers.end(api, containers)

    def drop_network(self, api: APIClient) -> None:
        self._network.drop(api)

    def each(self, deployment_id: str) -> list[Path]:
        try:
            found = [path for path in self.directory(deployment_id).iterdir() if path.name.isdigit()]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda path: int(path.name))
