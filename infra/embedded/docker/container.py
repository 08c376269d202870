"""One instance's container: how it is made, and what its state means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker import APIClient
from docker.types import LogConfig

from bot.model import InstanceState
from infra.embedded.docker.labels import Labels
from infra.embedded.process.instance import how

MOST_PROCESSES = 1024
"""Threads count, too: a JVM has some tens, its servlet container up to 200 of its own."""
LOG_OPTIONS = LogConfig(type="local", config={"max-size": "4m", "max-file": "2"})
"""8 MB in all, as the process engine keeps."""
TEMPORARY = "rw,nosuid,nodev,exec,mode=1777"
"""Netty and others unpack libraries there and load them. What is in it counts as the container's memory."""
_SIGKILLED = 137


def create(api: APIClient, labels: Labels, spec: Mapping[str, Any], deployment_id: str, *, keep: bool) -> str:
    """Made, not started; its id. Docker's errors as they come."""
    host = api.create_host_config(
        network_mode=labels.network,
        mem_limit=spec["memory"],
        memswap_limit=spec["memory"],
        nano_cpus=int(min(float(spec["cpu"]), api.info()["NCPU"]) * 1e9),
        pids_limit=MOST_PROCESSES,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=spec["read_only"],
        tmpfs={"/tmp": TEMPORARY},  # noqa: S108 - the container's own
        log_config=LOG_OPTIONS,
        restart_policy=policy(keep=keep),
    )
    made = api.create_container(
        spec["image"],
        name=labels.container(spec["name"]),
        environment=dict(spec["env"]),
        labels=labels.of(spec["service_id"], deployment_id),
        host_config=host,
        networking_config={
            "EndpointsConfig": {labels.network: api.create_endpoint_config(ipv4_address=spec["address"])}
        },
        stop_timeout=spec["stop_s"],
        use_config_proxy=False,
    )
    return str(made["Id"])


def policy(*, keep: bool) -> Any:
    """Kept, it is started again when it dies, and after a reboot: by Docker, whether or not the bot lives. (Any: the
    SDK's stubs don't know `unless-stopped`.)"""
    return {"Name": "unless-stopped" if keep else "no"}


def meaning(state: Mapping[str, Any], spec: Mapping[str, Any], *, wanted: bool) -> tuple[InstanceState, str] | None:
    """Of a container's `State`; None: it runs, and its health is for a probe to say."""
    match state["Status"]:
        case "running":
            return None
        case "created":
            return InstanceState.STARTING, "its container was created"
        case "restarting":
            return InstanceState.STARTING, f"{_how(state, spec, wanted=wanted)}; Docker starts it again"
        case "paused":
            return InstanceState.STARTING, "its container is paused"
        case _:
            return InstanceState.EXITED, _how(state, spec, wanted=wanted)


def _how(state: Mapping[str, Any], spec: Mapping[str, Any], *, wanted: bool) -> str:
    code = int(state["ExitCode"])
    if state["OOMKilled"]:
        return f"it used more than its {spec['memory'] >> 20} MB of memory"
    if state.get("Error"):
        return f"it could not be started: {state['Error']}"
    if not wanted:
        killed = code == _SIGKILLED
        return f"it did not end within {spec['stop_s']} s of SIGTERM and was killed" if killed else "stopped"
    return how(code)
