"""The Docker engine that the tests run on: the one that answers, else one of our own, which leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from docker import APIClient

from infra.embedded.docker.client import DEFAULT_HOST, Daemon
from tests.engines import bases

PATIENCE_S = 30.0
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
CGROUPS = Path("/sys/fs/cgroup")
BRIDGE, SUBNET = "whaleray-test0", "172.29.77.1/24"


@contextlib.contextmanager
def docker_engine() -> Iterator[str]:
    """Its `DOCKER_HOST`. Fails where there is none and none can be started: these tests are never skipped."""
    if Daemon(timeout_s=2).answers():
        yield os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        return
    _dockerd()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(place())
        stack.enter_context(_network_as_it_was())
        stack.enter_context(_bridge())
        host = stack.enter_context(running(directory, "--bridge", BRIDGE))
        with APIClient(host, timeout=120) as api:
            bases.make(api)
            stack.callback(_clear, host)
        yield host


def _dockerd() -> str:
    found = shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin")
    if found is None or os.geteuid() != 0:
        raise AssertionError(
            "These tests need a Docker engine. None answers, and without root and dockerd none can be started. "
            f"Start one and name it in DOCKER_HOST, or as root: {bases.INSTALL}"
        )
    return found


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A directory for an engine; its path is short, since a socket's may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="whaleray-", dir="/tmp") as directory:
        yield Path(directory)


@contextlib.contextmanager
def running(directory: Path, *options: str) -> Iterator[str]:
    """An engine with all its state in `directory`, until it is told to end, as at a shutdown."""
    host = f"unix://{directory}/docker.sock"
    command = [_dockerd(), "--host", host, "--pidfile", str(directory / "pid"), *options]
    command += ["--data-root", str(directory / "data"), "--exec-root", str(directory / "exec")]
    command += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{directory.name}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not Daemon({"DOCKER_HOST": host}, timeout_s=2).answers():
            said = (directory / "log").read_text()[-3000:]
            assert process.poll() is None, f"dockerd ended:\n{said}"
            assert time.monotonic() < deadline, f"dockerd does not answer:\n{said}"
            time.sleep(0.05)
        yield host
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _unmount(directory)
        _remove_groups(directory.name)


def _clear(host: str) -> None:
    """Containers and networks end before their engine does: what outlives it can't be found again."""
    with APIClient(host, timeout=30) as api:
        for container in api.containers(all=True):
            api.remove_container(container["Id"], force=True, v=True)
        for network in api.networks():
            if network["Name"] not in ("bridge", "host", "none"):
                api.remove_network(network["Id"])


@contextlib.contextmanager
def _bridge() -> Iterator[None]:
    """dockerd leaves its own bridge behind; this one goes."""
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", SUBNET, "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False)


@contextlib.contextmanager
def _network_as_it_was() -> Iterator[None]:
    """dockerd leaves its rules and chains behind, and forwarding on."""
    before = {table: _rules("iptables-save", table) for table in ("filter", "nat")}
    forward = FORWARD.read_text()
    try:
        yield
    finally:
        for rules in before.values():
            subprocess.run(["iptables-restore"], input=rules, text=True, check=False)
        FORWARD.write_text(forward)


def _rules(command: str, table: str) -> str:
    saved = subprocess.run([command, "--table", table], capture_output=True, text=True, check=True).stdout
    return saved or f"*{table}\nCOMMIT\n"


def _unmount(directory: Path) -> None:
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted((each for each in mounted if each.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False)


def _remove_groups(name: str) -> None:
    """A tree in each hierarchy (version 1), or one (version 2)."""
    for top in (*CGROUPS.glob(f"*/{name}"), CGROUPS / name):
        for group, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(group).rmdir()
