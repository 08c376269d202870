"""The containers of instances: each belongs to a directory, whose `spec.json` says how it is made, however often, and
whose `wanted` says what it is to do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError, ImageNotFound, NotFound

from bot.errors import WhaleRayError
from bot.model import Instance, InstanceState
from infra.embedded import bell
from infra.embedded.docker import container
from infra.embedded.docker.client import Daemon, explained
from infra.embedded.docker.labels import Labels
from infra.embedded.docker.network import Network
from infra.embedded.process import wanted
from infra.embedded.process.files import read_json, write_json
from infra.embedded.process.probe import probe

GONE = "its release is gone; deploy the commit again"
GRACE_S = 3.0
"""For applications of a removed service, which nobody can reach any more, to end by themselves."""
_POLL_S = 0.02
ALIVE = ("running", "restarting", "paused")
"""A container's status while there is something to stop."""

State = dict[str, Any]
"""A container's `State` as Docker inspects it."""


class Containers:
    """`failed.json` in a directory: Docker could not start it, and why. `made`: it had a container once."""

    def __init__(self, root: Path, daemon: Daemon, labels: Labels, network: Network, *, stop_s: int) -> None:
        self._root = root
        self._daemon = daemon
        self._labels = labels
        self._network = network
        self._stop_s = stop_s
        self._stopping: set[str] = set()

    def begin(self, api: APIClient, directory: Path) -> None:
        """Made and started for the first time. Asked again it leaves things as they are: an end is final."""
        if (directory / "failed.json").exists():
            return
        state = self._state(api, directory)
        if state is None and (directory / "made").exists():
            return  # somebody removed it
        if state is None or state["Status"] == "created":
            self._run(api, directory, made=state is not None, keep=False)

    def keep(self, api: APIClient, directory: Path) -> None:
        """It runs, and Docker sees to it that it stays so."""
        with wanted.changing(directory):
            wanted.write(directory, "keep")
            self._go_on(api, directory)

    def stop(self, api: APIClient, directory: Path) -> None:
        """SIGTERM, patience, SIGKILL: Docker's doing, which a thread waits for."""
        try:
            with wanted.changing(directory):
                wanted.write(directory, "stop")
                state, name = self._state(api, directory), self._name(directory)
                if name not in self._stopping and state is not None and state["Status"] in ALIVE:
                    self._stopping.add(name)
                    threading.Thread(target=self._see_it_end, args=(directory, name), daemon=True).start()
        except FileNotFoundError:
            return  # removed meanwhile

    def _see_it_end(self, directory: Path, name: str) -> None:
        with contextlib.suppress(WhaleRayError), self._daemon.asked() as api:
            api.stop(name, timeout=self._stop_s)  # where that fails, the next tick asks for it again
        try:
            with wanted.changing(directory):
                self._stopping.discard(name)
                if wanted.read(directory) == "keep":
                    with contextlib.suppress(WhaleRayError), self._daemon.asked() as api:
                        self._go_on(api, directory)
        except FileNotFoundError:
            self._stopping.discard(name)
        bell.ring(self._root, directory.parent.name)

    def _go_on(self, api: APIClient, directory: Path) -> None:
        name = self._name(directory)
        if name in self._stopping:
            return  # it is started again when it has ended
        state = self._state(api, directory)
        if state is None:
            self._run(api, directory, made=False, keep=True)
            return
        api.update_container(name, restart_policy=container.policy(keep=True))
        if state["Status"] not in ALIVE:
            self._run(api, directory, made=True, keep=True)

    def _run(self, api: APIClient, directory: Path, *, made: bool, keep: bool) -> None:
        (directory / "failed.json").unlink(missing_ok=True)
        try:
            if not made:
                self._make(api, directory, keep=keep)
            try:
                api.start(self._name(directory))
            except NotFound:  # its network was removed by hand: it can't be moved to another one
                api.remove_container(self._name(directory), force=True, v=True)
                self._make(api, directory, keep=keep)
                api.start(self._name(directory))
        except ImageNotFound:
            write_json(directory / "failed.json", {"why": GONE})
        except APIError as error:
            if "no space left" in explained(error):
                raise
            write_json(directory / "failed.json", {"why": f"it could not be started: {explained(error)}"})

    def _make(self, api: APIClient, directory: Path, *, keep: bool) -> None:
        self._network.ensure(api)
        container.create(api, self._labels, _spec(directory), directory.parent.name, keep=keep)
        (directory / "made").touch()

    def see(self, api: APIClient, directory: Path) -> Instance | None:
        spec = read_json(directory / "spec.json")
        if spec is None:
            return None
        state, detail = self._judged(api, directory, spec)
        return Instance(id=spec["name"], address=spec["address"], port=spec["port"], state=state, detail=detail)

    def _judged(self, api: APIClient, directory: Path, spec: dict[str, Any]) -> tuple[InstanceState, str]:
        if (failed := read_json(directory / "failed.json")) is not None:
            return InstanceState.EXITED, failed["why"]
        state = self._state(api, directory)
        if state is None:
            made = (directory / "made").exists()
            return (InstanceState.EXITED, "its container was removed") if made else (InstanceState.STARTING, "")
        known = container.meaning(state, spec, wanted=wanted.read(directory) != "stop")
        return known or self._asked(api, directory, spec, state)

    def _asked(self, api: APIClient, directory: Path, spec: dict[str, Any], state: State) -> tuple[InstanceState, str]:
        """Once healthy it stays so for as long as it runs: what it answers later is its users' to see."""
        healthy = read_json(directory / "healthy.json")
        if healthy is not None and healthy["since"] == state["StartedAt"]:
            return InstanceState.HEALTHY, healthy["detail"]
        up, detail = probe(spec)
        after = self._state(api, directory) or {}
        if not up or (after.get("Status"), after.get("StartedAt")) != ("running", state["StartedAt"]):
            return InstanceState.STARTING, detail  # or whoever answered, it was not this one
        with contextlib.suppress(FileNotFoundError):
            write_json(directory / "healthy.json", {"since": state["StartedAt"], "detail": detail}, durable=False)
        return InstanceState.HEALTHY, detail

    def log(self, api: APIClient, directory: Path) -> str:
        try:
            text: bytes = api.logs(self._name(directory))
        except NotFound:
            return ""
        return text.decode("utf-8", "replace")

    def lives(self, api: APIClient, directory: Path) -> bool:
        state = self._state(api, directory)
        return state is not None and state["Status"] in ALIVE

    def end(self, api: APIClient, containers: Sequence[dict[str, Any]]) -> None:
        """Asked to end, given a moment, and removed with their logs. `containers`: as Docker lists them."""
        running = [one["Id"] for one in containers if one["State"] in ALIVE]
        for identity in running:
            with contextlib.suppress(APIError):  # it has just ended
                api.kill(identity, "SIGTERM")
        deadline = time.monotonic() + GRACE_S
        while running and time.monotonic() < deadline:
            alive = {one["Id"] for one in api.containers(filters=self._labels.filters())}
            running = [identity for identity in running if identity in alive]
            time.sleep(_POLL_S)
        for one in containers:
            with contextlib.suppress(NotFound):
                api.remove_container(one["Id"], force=True, v=True)

    def _state(self, api: APIClient, directory: Path) -> State | None:
        try:
            state: State = api.inspect_container(self._name(directory))["State"]
        except NotFound:
            return None
        return state

    def _name(self, directory: Path) -> str:
        return self._labels.container(instance(directory))


def instance(directory: Path) -> str:
    """The instance's id."""
    return f"{directory.parent.name}-{directory.name}"


def _spec(directory: Path) -> dict[str, Any]:
    spec = read_json(directory / "spec.json")
    if spec is None:
        raise FileNotFoundError(directory)  # removed meanwhile
    return spec
