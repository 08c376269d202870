"""One instance of an application, and the process that watches it, started by `detached.start` on its directory.

It reads `spec.json` there, does what `wanted` says, and keeps `state.json` true. SIGUSR1: look at `wanted`. SIGTERM
(the machine is going down): ask the application to end, wait, make it end; what is wanted stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from infra.embedded import bell
from infra.embedded.process import confine, detached, jdks, wanted
from infra.embedded.process.boundedlog import BoundedLog
from infra.embedded.process.child import Alarm, Child, end_leftovers
from infra.embedded.process.environment import allowed
from infra.embedded.process.files import read_json, write_json

PROBE_S = 0.05
WATCH_S = 1.0
"""How often memory is looked at where no control group limits it."""
IDLE_S = 300.0
HEAP_SHARE = 0.55
"""Of the memory limit: the JVM needs the rest for classes, code, threads and buffers."""
ENCAPSULATED = 16
"""The JDK from which reflection on its own classes is refused (JEP 396)."""
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.2, 30.0
STEADY_S = 60.0
"""An application that ran this long starts its backoff anew."""
HOME, JAR = "/app/home", "/app/app.jar"


class Supervisor:
    def __init__(self, directory: Path, lock: int) -> None:
        spec = read_json(directory / "spec.json")
        if spec is None:
            raise SystemExit(f"{directory} holds no spec.json")
        self._directory = directory
        self._lock = lock
        self._spec: dict[str, Any] = spec
        self._shutting_down = False
        self._log = BoundedLog(directory / "app.log")
        self._said: dict[str, str] = {}
        self._alarm = Alarm()
        signal.signal(signal.SIGUSR1, lambda number, frame: None)
        signal.signal(signal.SIGTERM, self._told)

    def _told(self, number: int, frame: object) -> None:
        self._shutting_down = True

    def run(self) -> None:
        """Until it is neither wanted nor to be tried any more; it decides so while nobody changes what is wanted."""
        end_leftovers(self._directory / "child.json")
        backoff = FIRST_BACKOFF_S
        detail = "stopped"
        while True:
            if not self._unwanted():
                began = time.monotonic()
                self._say("starting", "nothing listens on its port yet")
                detail = self._live()
                if time.monotonic() - began > STEADY_S:
                    backoff = FIRST_BACKOFF_S
            if self._leaves(detail):
                return
            if not self._unwanted():
                self._say("starting", f"{detail}; started again in {backoff:.1f} s")
                self._rest(backoff)
                backoff = min(LONGEST_BACKOFF_S, backoff * 2)

    def _unwanted(self) -> bool:
        return self._shutting_down or wanted.read(self._directory) == "stop"

    def _leaves(self, detail: str) -> bool:
        try:
            with wanted.changing(self._directory):
                if not self._shutting_down and wanted.read(self._directory) == "keep":
                    return False
                self._say("exited", detail)
                detached.let_go(self._lock)
        except FileNotFoundError:
            pass  # its directory is gone
        return True

    def _rest(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._unwanted():
            self._alarm.sleep(left)

    def _live(self) -> str:
        """One life of the application; how it ended."""
        try:
            child = self._start()
        except OSError as error:
            return f"it could not be started: {error}"
        try:
            why = self._watch(child)
        finally:
            code = child.end()
        if child.ran_out:
            return self._too_big()
        return why or how(code)

    def _start(self) -> Child:
        spec = self._spec
        jdk = jdks.choose(jdks.installed(os.environ, Path(spec["jdks"])), spec["jdk"])
        if jdk is None:
            raise OSError(f"no JDK {spec['jdk']} or newer is installed")
        jar = Path(spec["jar"])
        if not jar.is_file():
            raise OSError("its release is gone; deploy the commit again")
        home, temporary = self._directory / "home", self._directory / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        for made in (home, temporary):
            made.mkdir(mode=0o700, exist_ok=True)
        confined = bool(spec["confined"])
        seen_home, seen_jar = (HOME, JAR) if confined else (str(home), str(jar))
        if jdk.major != spec["jdk"]:
            self._log.write(f"Notice: JDK {jdk.major} runs this; JDK {spec['jdk']} is not installed.\n".encode())
        argv = [f"{jdk.home}/bin/java", *jvm_options(spec, seen_home, jdk.major), "-jar", seen_jar]
        environment = allowed(os.environ) | {
            "HOME": seen_home,
            "JAVA_HOME": str(jdk.home),
            "TMPDIR": "/tmp" if confined else str(temporary),  # noqa: S108 - its own
            "SERVER_SHUTDOWN": "graceful",
            "SERVER_FORWARD_HEADERS_STRATEGY": "framework",
            **spec["env"],
            "SERVER_ADDRESS": spec["address"],
            "SERVER_PORT": str(spec["port"]),
            "PORT": str(spec["port"]),
        }
        if confined:
            shelter = confine.Shelter(
                writable=((home, HOME), (temporary, "/tmp")),  # noqa: S108 - its own
                readable=((jar, JAR),),
                directory=HOME,
                extra=(jdk.home,),
            )
            argv = confine.command(shelter, argv)
        else:
            self._log.write(confine.NOTICE.encode())
        return Child(
            argv,
            home,
            environment,
            self._log,
            name=f"app-{spec['name'][:40]}",
            limit=int(spec["memory"]),
            record=self._directory / "child.json",
            confined=confined,
        )

    def _watch(self, child: Child) -> str:
        """Until it ends or has to; why it had to, "" when it ended by itself."""
        from infra.embedded.process.probe import probe  # noqa: PLC0415 - 20 ms of imports while the JVM starts

        healthy = False
        while child.poll() is None:
            if self._unwanted():
                return self._end(child)
            if child.watched and child.too_big():
                return self._too_big()
            if not healthy:
                healthy, detail = probe(self._spec)
                if child.poll() is not None:
                    break  # whoever answered, it was not this one
                self._say("healthy" if healthy else "starting", detail)
            self._alarm.sleep((WATCH_S if child.watched else IDLE_S) if healthy else PROBE_S)
        return ""

    def _end(self, child: Child) -> str:
        """SIGTERM, patience, then the end."""
        child.ask_to_end()
        patience = float(self._spec["stop_s"])
        deadline = time.monotonic() + patience
        while child.poll() is None:
            if (left := deadline - time.monotonic()) <= 0:
                return f"it did not end within {patience:g} s of SIGTERM and was killed"
            self._alarm.sleep(left)
        return "stopped"

    def _too_big(self) -> str:
        return f"it used more than its {int(self._spec['memory']) >> 20} MB of memory"

    def _say(self, state: str, detail: str) -> None:
        said = {"state": state, "detail": detail}
        if said != self._said:
            self._said = said
            with contextlib.suppress(OSError):  # its directory is gone, or the disk is full
                write_json(self._directory / "state.json", said, durable=False)
            bell.ring(self._directory.parent.parent.parent, self._directory.parent.name)


def jvm_options(spec: dict[str, Any], home: str, jdk: int) -> list[str]:
    """Options of the service's own environment are the last word on its heap. `jdk`: the version that runs it."""
    own = f"{spec['env'].get('JAVA_TOOL_OPTIONS', '')} {spec['env'].get('JDK_JAVA_OPTIONS', '')}"
    options = [f"-Duser.home={home}", "-XX:+ExitOnOutOfMemoryError"]
    if jdk >= ENCAPSULATED > spec["jdk"]:
        # Written for a JDK that allowed it: Spring before 5.1 (Boot 2.1) defines its proxies there.
        options.append("--add-opens=java.base/java.lang=ALL-UNNAMED")
    if "-Xmx" not in own and "RAMPercentage" not in own:
        options.append(f"-Xmx{int(int(spec['memory']) * HEAP_SHARE) >> 20}m")
    return options


def how(code: int) -> str:
    """An exit code in words; bubblewrap and shells report a signal as 128 and its number."""
    if code < 0 or code > 128:
        number = -code if code < 0 else code - 128
        try:
            return f"ended by {signal.Signals(number).name}"
        except ValueError:
            return f"exit code {code}"
    return f"exit code {code}"


def main(directory: str, descriptor: str) -> None:
    """`descriptor`: of the instance's lock, taken by whoever started this process."""
    os.umask(0o077)
    instance = Path(directory)
    detached.hold(int(descriptor))
    Supervisor(instance, int(descriptor)).run()
