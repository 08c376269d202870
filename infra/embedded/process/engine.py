"""The `process` engine: what the bot calls. It writes requests, starts detached processes and reads what they left;
every call may be repeated, by this process or by the next one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import anyio

from bot.errors import OurError
from bot.model import (
    BuildPlan,
    BuildState,
    Deployment,
    Failure,
    Instance,
    InstanceState,
    LogKind,
    Observation,
    Release,
    Service,
    Stage,
)
from bot.ports import Source
from infra.embedded.process import boundedlog, confine, files, jdks
from infra.embedded.process.addresses import Addresses

RUNNER = "infra.embedded.process.runner"
SUPERVISOR = "infra.embedded.process.instance"
T = TypeVar("T")
BUILD_MEMORY = 2 * 1024**3
"""Bytes a build may use: Maven with javac in its own process needs 0.5 to 1 GB for ordinary applications."""


class ProcessEngine:
    """`bot.ports.Engine` under `home/process`. `router_url`: what applications see as their public address.

    `sandbox`: False runs everything unconfined, True confines where bubblewrap works.
    """

    def __init__(
        self,
        home: Path,
        *,
        build_timeout_s: float = 1800,
        max_builds: int = 2,
        router_url: str = "http://127.0.0.1:8000",
        sandbox: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._root = home / "process"
        for name in ("builds", "releases", "instances", "home", "jdk"):
            (self._root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._build_timeout_s = build_timeout_s
        self._max_builds = max_builds
        self._router = urlsplit(router_url)
        self._sandbox = sandbox
        self._environment = dict(os.environ if environment is None else environment)
        self._addresses = Addresses(self._root)

    @property
    def sandboxed(self) -> bool:
        """Whether builds and applications are shut in."""
        return self._sandbox and confine.works()

    def jdks(self) -> list[jdks.Jdk]:
        return jdks.installed(self._environment, self._root / "jdk")

    async def start_build(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> None:
        await _blocking(lambda: self._start_build(deployment, plan, source, variables))

    def _start_build(
        self, deployment: Deployment, plan: BuildPlan, source: Source, variables: Mapping[str, str]
    ) -> None:
        build = self._build(deployment.id)
        build.mkdir(mode=0o700, exist_ok=True)
        if (build / "result.json").exists() or files.living(build / "runner.pid"):
            return
        token = os.open(build / "token", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(token, "w") as file:
            file.write(source.token)  # read and deleted by the runner before anything else of the build runs
        if not (build / "request.json").exists():
            files.write_json(
                build / "request.json",
                {
                    "id": deployment.id,
                    "service_id": deployment.service_id,
                    "plan": plan.model_dump(mode="json"),
                    "command": list(plan.command),
                    "url": source.url,
                    "sha": source.sha,
                    "variables": dict(variables),
                    "timeout_s": self._build_timeout_s,
                    "memory": BUILD_MEMORY,
                    "max_builds": self._max_builds,
                    "confine": self._sandbox,
                },
            )
        files.detach(RUNNER, [str(build)], self._environment, build / "runner.log")

    async def start_rollout(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        await _blocking(lambda: self._start_rollout(deployment, service, plan, release, env))

    def _start_rollout(
        self, deployment: Deployment, service: Service, plan: BuildPlan, release: Release, env: Mapping[str, str]
    ) -> None:
        jar = Path(release.artifact)
        if not jar.is_file():
            raise OurError(
                f"The release of {deployment.short_sha} is gone.",
                f"{jar.parent.name} holds no jar any more.",
                "Deploy the commit again.",
            )
        for number in range(plan.instances):
            directory = self._instances(deployment.id) / str(number)
            if not (directory / "spec.json").exists():
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                name = f"{deployment.id}-{number}"
                files.write_json(
                    directory / "spec.json",
                    {
                        "name": name,
                        "service_id": service.service_id,
                        "jar": str(jar),
                        "jdk": plan.jdk,
                        "jdks": str(self._root / "jdk"),
                        "address": self._addresses.take(name),
                        "port": service.port,
                        "env": dict(env),
                        "memory": plan.memory_mb * 1024**2,
                        "health_path": plan.health.path,
                        "actuator": plan.health.actuator,
                        "scheme": self._router.scheme,
                        "host": self._router.netloc,
                        "confine": self._sandbox,
                    },
                )
                _want(directory, "try")
            if not (directory / "state.json").exists():
                self._supervise(directory)

    async def cancel(self, deployment_id: str) -> None:
        await _blocking(lambda: self._cancel(deployment_id))

    def _cancel(self, deployment_id: str) -> None:
        build = self._build(deployment_id)
        build.mkdir(mode=0o700, exist_ok=True)
        (build / "cancelled").touch()
        if pid := files.living(build / "runner.pid"):
            _signal(pid, signal.SIGTERM)
        (build / "token").unlink(missing_ok=True)
        self._stop(deployment_id)

    async def scale(self, deployment_id: str, instances: int) -> None:
        await _blocking(lambda: self._scale(deployment_id, instances))

    def _scale(self, deployment_id: str, instances: int) -> None:
        if instances == 0:
            self._stop(deployment_id)
            return
        for directory in self._each(deployment_id):
            _want(directory, "keep")
            if files.living(directory / "supervisor.pid") is None:
                (directory / "state.json").unlink(missing_ok=True)
                self._supervise(directory)

    def _stop(self, deployment_id: str) -> None:
        for directory in self._each(deployment_id):
            _want(directory, "stop")
            if pid := files.living(directory / "supervisor.pid"):
                _signal(pid, signal.SIGTERM)

    def _supervise(self, directory: Path) -> None:
        if files.living(directory / "supervisor.pid") is None:
            files.detach(SUPERVISOR, [str(directory)], self._environment, directory / "supervisor.log")

    async def remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        await _blocking(lambda: self._remove(service_id, deployment_ids))

    def _remove(self, service_id: str, deployment_ids: Sequence[str]) -> None:
        for deployment_id in deployment_ids:
            if self._build(deployment_id).exists():
                self._cancel(deployment_id)
            self._stop(deployment_id)
            self._forget(deployment_id)
        shutil.rmtree(self._root / "home" / service_id, ignore_errors=True)

    async def prune(self, keep: Sequence[str]) -> None:
        await _blocking(lambda: self._prune(set(keep)))

    def _prune(self, keep: set[str]) -> None:
        for kind in ("builds", "instances", "releases"):
            for directory in (self._root / kind).iterdir():
                if directory.name not in keep and not self._lives(directory.name):
                    self._forget(directory.name)

    def _lives(self, deployment_id: str) -> bool:
        return files.living(self._build(deployment_id) / "runner.pid") is not None or any(
            files.living(directory / "supervisor.pid") for directory in self._each(deployment_id)
        )

    def _forget(self, deployment_id: str) -> None:
        """What its processes still hold open goes when they end: they were told to."""
        self._addresses.give_back([f"{deployment_id}-{d.name}" for d in self._each(deployment_id)])
        for directory in (
            self._build(deployment_id),
            self._instances(deployment_id),
            self._root / "releases" / _safe(deployment_id),
        ):
            shutil.rmtree(directory, ignore_errors=True)

    async def observe(self, deployment_id: str) -> Observation:
        return await _blocking(lambda: self._observe(deployment_id))

    def _observe(self, deployment_id: str) -> Observation:
        build = self._build(deployment_id)
        state, failure, release = self._build_state(build)
        return Observation(
            build=state,
            build_failure=failure,
            release=release,
            instances=tuple(filter(None, (self._instance(d) for d in self._each(deployment_id)))),
            log_size=boundedlog.size(build / "build.log"),
        )

    def _build_state(self, build: Path) -> tuple[BuildState, Failure | None, Release | None]:
        if (build / "cancelled").exists():
            return BuildState.CANCELLED, None, None
        if (result := files.read_json(build / "result.json")) is not None:
            if "release" in result:
                return BuildState.SUCCEEDED, None, Release.model_validate(result["release"])
            return BuildState.FAILED, Failure.model_validate(result["failure"]), None
        if files.living(build / "runner.pid"):
            begun = (build / "begun").exists()
            return (BuildState.RUNNING if begun else BuildState.QUEUED), None, None
        if (build / "runner.pid").exists() and not (build / "result.json").exists():
            gone = Failure(
                stage=Stage.BUILDING,
                what="The build's process disappeared.",
                why="The machine was restarted, or something ended it.",
                mend="Deploy again; Re-run on the check does.",
                log="build",
            )
            return BuildState.FAILED, gone, None
        return BuildState.ABSENT, None, None

    def _instance(self, directory: Path) -> Instance | None:
        spec = files.read_json(directory / "spec.json")
        if spec is None:
            return None
        state = files.read_json(directory / "state.json")
        known = InstanceState(state["state"]) if state else InstanceState.STARTING
        detail = state["detail"] if state else ""
        started = (directory / "supervisor.pid").exists()
        if known is not InstanceState.EXITED and started and files.living(directory / "supervisor.pid") is None:
            reread = files.read_json(directory / "state.json")  # it may have ended properly just now
            if not (reread and reread["state"] == InstanceState.EXITED):
                known, detail = InstanceState.EXITED, "its supervisor disappeared"
            else:
                known, detail = InstanceState.EXITED, reread["detail"]
        return Instance(id=spec["name"], address=spec["address"], port=spec["port"], state=known, detail=detail)

    async def log(self, deployment_id: str, kind: LogKind) -> str:
        return await _blocking(lambda: self._read_log(deployment_id, kind))

    def _read_log(self, deployment_id: str, kind: LogKind) -> str:
        if kind is LogKind.BUILD:
            return boundedlog.read(self._build(deployment_id) / "build.log")
        return "\n".join(filter(None, (boundedlog.read(d / "app.log") for d in self._each(deployment_id))))

    def _each(self, deployment_id: str) -> list[Path]:
        instances = self._instances(deployment_id)
        return sorted(instances.iterdir()) if instances.is_dir() else []

    def _build(self, deployment_id: str) -> Path:
        return self._root / "builds" / _safe(deployment_id)

    def _instances(self, deployment_id: str) -> Path:
        return self._root / "instances" / _safe(deployment_id)


def _safe(deployment_id: str) -> str:
    """Ids are made here, of hexadecimal digits; nothing else becomes a path."""
    if not deployment_id.replace("-", "").replace("_", "").isalnum():
        raise OurError(f"{deployment_id!r} is no deployment's id.")
    return deployment_id


def _want(directory: Path, wanted: str) -> None:
    new = directory / f".wanted.{os.getpid()}"
    new.write_text(wanted)
    new.replace(directory / "wanted")


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


async def _blocking(run: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(run)
