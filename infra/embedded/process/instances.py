"""Instances as the bot sees them: specifications written, supervisors started and told, and what they say read."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import OurError
from bot.model import BuildPlan, Deployment, Instance, InstanceState, Release, Service
from infra.embedded.process import boundedlog, detached, wanted
from infra.embedded.process.addresses import Addresses
from infra.embedded.process.builds import safe
from infra.embedded.process.child import end_leftovers
from infra.embedded.process.files import read_json, write_json

SUPERVISOR = "infra.embedded.process.instance"


class Instances:
    """Under `root/instances/<deployment>/<number>`. Each one's `supervisor.lock` says that somebody watches it."""

    def __init__(self, root: Path, environment: Mapping[str, str], *, router_url: str, stop_s: float) -> None:
        self._root = root
        self._environment = environment
        self._router = urlsplit(router_url)
        self._stop_s = stop_s
        self._addresses = Addresses(root)

    def directory(self, deployment_id: str) -> Path:
        return self._root / "instances" / safe(deployment_id)

    def start(
        self,
        deployment: Deployment,
        service: Service,
        plan: BuildPlan,
        release: Release,
        env: Mapping[str, str],
        *,
        confined: bool,
    ) -> None:
        spec = {
            "service_id": service.service_id,
            "jar": release.artifact,
            "jdk": plan.jdk,
            "jdks": str(self._root / "jdk"),
            "port": service.port,
            "env": dict(env),
            "memory": plan.memory_mb * 1024**2,
            "health_path": plan.health.path,
            "actuator": plan.health.actuator,
            "scheme": self._router.scheme,
            "host": self._router.netloc,
            "stop_s": self._stop_s,
            "confined": confined,
        }
        self.directory(deployment.id).mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._cancelled(deployment.id):
            return
        if not Path(release.artifact).is_file():
            raise OurError(
                f"The release of {deployment.short_sha} is gone.",
                "Its jar is no longer on this machine.",
                "Deploy the commit again.",
            )
        for number in range(plan.instances):
            directory = self.directory(deployment.id) / str(number)
            self._specify(directory, spec)
            with wanted.changing(directory):
                if self._cancelled(deployment.id):
                    wanted.write(directory, "stop")
                elif not (directory / "wanted").exists():
                    wanted.write(directory, "try")
                if not (directory / "state.json").exists():
                    self._supervise(directory)

    def _specify(self, directory: Path, spec: Mapping[str, object]) -> None:
        if (directory / "spec.json").exists():
            return
        directory.mkdir(mode=0o700, exist_ok=True)
        name = f"{directory.parent.name}-{directory.name}"
        address = self._addresses.take(name, int(str(spec["port"])))
        write_json(directory / "spec.json", {**spec, "name": name, "address": address})

    def scale(self, deployment_id: str, count: int) -> None:
        """The first `count` are kept alive from now on, the others stopped."""
        if count > 0 and self._cancelled(deployment_id):
            count = 0
        known = list(self.each(deployment_id))
        for number, directory in enumerate(known):
            if number < count:
                self._keep(directory)
            else:
                _stop(directory)
        spec = read_json(known[0] / "spec.json") if known else None
        if spec is None:
            return  # it never ran here
        for number in range(len(known), count):
            directory = self.directory(deployment_id) / str(number)
            self._specify(directory, spec)
            self._keep(directory)

    def _keep(self, directory: Path) -> None:
        if wanted.read(directory) == "keep" and detached.running(directory / "supervisor.lock"):
            return
        with wanted.changing(directory):
            wanted.write(directory, "keep")
            if not detached.running(directory / "supervisor.lock"):
                (directory / "state.json").unlink(missing_ok=True)
                self._supervise(directory)

    def _supervise(self, directory: Path) -> None:
        detached.start(SUPERVISOR, directory / "supervisor.lock", self._environment)

    def cancel(self, deployment_id: str) -> None:
        """Stop them for good: none of this deployment starts again."""
        directory = self.directory(deployment_id)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "cancelled").touch()
        self.scale(deployment_id, 0)

    def _cancelled(self, deployment_id: str) -> bool:
        return (self.directory(deployment_id) / "cancelled").exists()

    def lives(self, deployment_id: str) -> bool:
        return any(detached.running(directory / "supervisor.lock") for directory in self.each(deployment_id))

    def give_back(self, deployment_ids: Sequence[str]) -> None:
        """The addresses of their instances, which are about to be forgotten."""
        self._addresses.give_back(
            [f"{name}-{directory.name}" for name in deployment_ids for directory in self.each(name)]
        )

    def jars(self, deployment_id: str) -> Iterator[str]:
        """What its instances run."""
        for directory in self.each(deployment_id):
            if spec := read_json(directory / "spec.json"):
                yield spec["jar"]

    def see(self, deployment_id: str) -> tuple[Instance, ...]:
        return tuple(filter(None, (_see(directory) for directory in self.each(deployment_id))))

    def log(self, deployment_id: str) -> str:
        logs = (boundedlog.read(directory / "app.log") for directory in self.each(deployment_id))
        return "\n".join(filter(None, logs))

    def each(self, deployment_id: str) -> list[Path]:
        try:
            found = [path for path in self.directory(deployment_id).iterdir() if path.name.isdigit()]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda path: int(path.name))


def _stop(directory: Path) -> None:
    if wanted.read(directory) == "stop" and not detached.running(directory / "supervisor.lock"):
        return
    try:
        with wanted.changing(directory):
            wanted.write(directory, "stop")
    except FileNotFoundError:
        return  # removed meanwhile
    if detached.running(directory / "supervisor.lock"):
        detached.tell(directory / "supervisor.lock", signal.SIGUSR1)
    else:
        end_leftovers(directory / "child.json")


def _see(directory: Path) -> Instance | None:
    spec = read_json(directory / "spec.json")
    if spec is None:
        return None
    watched = detached.running(directory / "supervisor.lock")  # asked first: what it said before it ended stays
    state = read_json(directory / "state.json")
    known, detail = (InstanceState(state["state"]), state["detail"]) if state else (InstanceState.STARTING, "")
    if not watched and known is not InstanceState.EXITED and detached.ran(directory / "supervisor.lock"):
        known, detail = InstanceState.EXITED, "the process that watched it was ended"
    return Instance(id=spec["name"], address=spec["address"], port=spec["port"], state=known, detail=detail)
