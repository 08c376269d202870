"""One instance of an application, as a process of its own that watches it:
`python -m infra.embedded.process.instance DIRECTORY`.

It reads `spec.json` there and keeps `state.json` true. `wanted` says what it is to do: `try` (an exit is final),
`keep` (started again when it dies) or `stop`. SIGTERM: ask the application to end, wait, make it end.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from infra.embedded.process import confine, jdks
from infra.embedded.process.boundedlog import BoundedLog
from infra.embedded.process.files import allowed_environment, alone, read_json, write_json, write_pid
from infra.embedded.process.limits import Group, descendants, resident

PROBE_S = 0.1
PROBE_HEALTHY_S = 5.0
PROBE_TIMEOUT_S = 2.0
STOP_S = 30.0
"""Spring's graceful shutdown waits up to 30 s for requests; SIGKILL comes after that."""
HEAP_SHARE = 0.55
"""Of the memory limit: the JVM needs the rest for classes, code, threads and buffers."""
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.2, 30.0
STEADY_S = 60.0
"""An application that ran this long starts its backoff anew."""


class Supervisor:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        spec = read_json(directory / "spec.json")
        if spec is None:
            raise SystemExit(f"{directory} holds no spec.json")
        self._spec = spec
        self._stopping = threading.Event()
        self._log = BoundedLog(directory / "app.log")
        self._state: dict[str, Any] = {}

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: self._stopping.set())
        write_pid(self._directory / "supervisor.pid")
        backoff = FIRST_BACKOFF_S
        while not self._stopping.is_set() and self._wanted() != "stop":
            began = time.monotonic()
            detail = self._live()
            if self._stopping.is_set() or self._wanted() != "keep":
                self._say("exited", detail)
                return
            if time.monotonic() - began > STEADY_S:
                backoff = FIRST_BACKOFF_S
            self._say("starting", f"{detail}; started again in {backoff:.1f} s")
            self._stopping.wait(backoff)
            backoff = min(LONGEST_BACKOFF_S, backoff * 2)
        self._say("exited", "stopped")

    def _live(self) -> str:
        """One life of the application; how it ended."""
        group = Group(f"app-{self._spec['name'][:40]}", int(self._spec["memory"]))
        try:
            process = self._start(group)
        except OSError as error:
            return f"it could not be started: {error}"
        pump = threading.Thread(target=self._pump, args=(process.stdout,), daemon=True)
        pump.start()
        try:
            return self._watch(process, group)
        finally:
            _kill(process)
            process.wait()
            group.remove()
            pump.join(2)

    def _start(self, group: Group) -> subprocess.Popen[bytes]:
        spec = self._spec
        jdk = jdks.choose(jdks.installed(os.environ, Path(spec["jdks"])), spec["jdk"])
        if jdk is None:
            raise OSError(f"no JDK {spec['jdk']} or newer is installed")
        jar = Path(spec["jar"])
        home = self._directory / "home"
        home.mkdir(mode=0o700, exist_ok=True)
        confined = bool(spec["confine"]) and confine.works()
        heap = int(int(spec["memory"]) * HEAP_SHARE) >> 20
        seen_jar = "/app/app.jar" if confined else str(jar)
        argv = [f"{jdk.home}/bin/java", f"-Xmx{heap}m", "-XX:+ExitOnOutOfMemoryError", "-jar", seen_jar]
        environment = allowed_environment(os.environ) | {
            "HOME": "/app/home" if confined else str(home),
            "JAVA_HOME": str(jdk.home),
            "SERVER_SHUTDOWN": "graceful",
            "SERVER_FORWARD_HEADERS_STRATEGY": "framework",
            **spec["env"],
            "SERVER_ADDRESS": spec["address"],
            "SERVER_PORT": str(spec["port"]),
            "PORT": str(spec["port"]),
        }
        if confined:
            shelter = confine.Shelter(
                writable=((home, "/app/home"),),
                readable=((jar, "/app/app.jar"),),
                directory="/app/home",
                extra=(jdk.home,),
            )
            argv = confine.command(shelter, argv)
        else:
            self._log.write(confine.NOTICE.encode())

        def inside() -> None:
            if group.usable:
                group.join()

        return subprocess.Popen(
            argv,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=inside,  # noqa: PLW1509 - it only writes one file
        )

    def _watch(self, process: subprocess.Popen[bytes], group: Group) -> str:
        self._say("starting", "nothing listens on its port yet")
        healthy = False
        next_probe = time.monotonic()
        while process.poll() is None:
            if self._stopping.is_set() or self._wanted() == "stop":
                return self._end(process)
            now = time.monotonic()
            if now >= next_probe:
                up, detail = probe(self._spec)
                if up or not healthy:
                    self._say("healthy" if up else "starting", detail)
                healthy = healthy or up
                next_probe = now + (PROBE_HEALTHY_S if healthy else PROBE_S)
            if not group.usable and resident(process.pid) > int(self._spec["memory"]):
                return f"it used more than its {int(self._spec['memory']) >> 20} MB of memory"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PROBE_S)
        if group.usable and group.out_of_memory():
            return f"it used more than its {int(self._spec['memory']) >> 20} MB of memory"
        return _how(process.returncode)

    def _end(self, process: subprocess.Popen[bytes]) -> str:
        """SIGTERM to the application itself (not to what shuts it in), then patience, then SIGKILL."""
        for pid in _leaves(process.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return f"it did not end within {STOP_S:.0f} s of SIGTERM"
        return "stopped"

    def _wanted(self) -> str:
        try:
            return (self._directory / "wanted").read_text()
        except OSError:
            return "stop"  # its directory is gone: nobody wants it

    def _say(self, state: str, detail: str) -> None:
        said = {"state": state, "detail": detail}
        if said != self._state:
            self._state = said
            with contextlib.suppress(OSError):  # its directory is gone
                write_json(self._directory / "state.json", said)

    def _pump(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(pipe.fileno(), 65536):
                self._log.write(chunk)


def probe(spec: dict[str, Any]) -> tuple[bool, str]:
    """Whether the instance is healthy, and what it answered: asked at its own address, with the router's headers."""
    path = spec["health_path"] or "/"
    connection = http.client.HTTPConnection(spec["address"], int(spec["port"]), timeout=PROBE_TIMEOUT_S)
    headers = {
        "X-Forwarded-Prefix": f"/{spec['service_id']}",
        "X-Forwarded-Proto": spec["scheme"],
        "X-Forwarded-Host": spec["host"],
    }
    try:
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return False, f"nothing listens on port {spec['port']} yet"
    except (OSError, http.client.HTTPException) as error:
        return False, f"GET {path}: {type(error).__name__}"
    finally:
        connection.close()
    return _up(status, actuator=spec["actuator"]), f"GET {path}: {status}"


def _up(status: int, *, actuator: bool) -> bool:
    """Actuator: 200, or 401 and 403 as up and secured. Anything else: whatever isn't the server's own error."""
    return status in (200, 401, 403) if actuator else status < 500


@dataclass(frozen=True)
class _Signal:
    number: int

    @property
    def name(self) -> str:
        try:
            return signal.Signals(self.number).name
        except ValueError:
            return f"signal {self.number}"


def _how(code: int) -> str:
    if code < 0 or code > 128:
        return f"ended by {_Signal(-code if code < 0 else code - 128).name}"
    return f"exit code {code}"


def _leaves(pid: int) -> list[int]:
    """The application's own processes: what bubblewrap started, or the process itself where nothing shuts it in."""
    found = descendants(pid)
    inner = [child for child in found if _name(child) != "bwrap"]
    return inner or found or [pid]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    os.umask(0o077)
    if alone(Path(sys.argv[1]) / "supervisor.lock"):
        Supervisor(Path(sys.argv[1])).run()
