"""One build, as a process of its own: `python -m infra.embedded.process.runner DIRECTORY`.

It reads `request.json` there, fetches the source, builds it shut in, and leaves `result.json`, written whole or not at
all. Standard library only, so that it starts in a few hundredths of a second.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from infra.embedded.process import confine, jdks
from infra.embedded.process.boundedlog import BoundedLog
from infra.embedded.process.fetch import FetchError, download, unpack
from infra.embedded.process.files import allowed_environment, alone, living, read_json, write_json, write_pid
from infra.embedded.process.limits import Group, resident

SOURCE = "/workspace/source"
HOME = "/workspace/home"
SLOT_POLL_S = 0.1
WATCH_S = 0.25
KILL_AFTER_S = 5.0
MIN_FREE = 512 * 1024**2
"""A build that starts with less disk than this fills it."""
FASTER_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto"
"""A build's JVM lives for seconds: it never earns back what the second compiler costs."""


class Failed(Exception):
    """The build has an end, in words; `log`: whether the log holds the cause."""

    def __init__(self, what: str, why: str = "", mend: str = "", *, log: bool = False) -> None:
        super().__init__(what)
        self.failure = {"stage": "BUILDING", "what": what, "why": why, "mend": mend, "log": "build" if log else None}


@dataclass(frozen=True)
class Places:
    """`root`: the engine's directory; `build`: this build's."""

    root: Path
    build: Path

    @property
    def work(self) -> Path:
        return self.build / "work"

    @property
    def result(self) -> Path:
        return self.build / "result.json"


def main(directory: str) -> None:
    build = Path(directory)
    places = Places(root=build.parent.parent, build=build)
    request = read_json(build / "request.json")
    if request is None or places.result.exists() or not alone(build / "runner.lock"):
        return
    os.umask(0o077)
    write_pid(build / "runner.pid")
    log = BoundedLog(build / "build.log")
    try:
        with _slot(places, int(request["max_builds"])):
            (build / "begun").touch()
            result = _build(places, request, log)
    except Failed as failed:
        result = {"failure": failed.failure}
    except OSError as error:
        result = {
            "failure": Failed("The build could not be run.", f"{error}.", "Look at the disk of this machine.").failure
        }
    finally:
        log.close()
        shutil.rmtree(places.work, ignore_errors=True)
    if not (build / "cancelled").exists():
        write_json(places.result, result)


@contextlib.contextmanager
def _slot(places: Places, count: int) -> Any:
    """One of `count` places to build in, first come first served."""
    slots = places.root / "slots"
    slots.mkdir(exist_ok=True)
    while True:
        if (places.build / "cancelled").exists():
            raise Failed("Cancelled.")
        if not _older_waits(places):
            for number in range(count):
                slot = (slots / str(number)).open("w")
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    slot.close()
                    continue
                with slot:
                    yield
                return
        time.sleep(SLOT_POLL_S)


def _older_waits(places: Places) -> bool:
    own = (places.build / "request.json").stat().st_mtime_ns
    for request in places.build.parent.glob("*/request.json"):
        other = request.parent
        with contextlib.suppress(FileNotFoundError):
            waits = not (other / "begun").exists() and not (other / "result.json").exists()
            if waits and request.stat().st_mtime_ns < own and living(other / "runner.pid"):
                return True
    return False


def _build(places: Places, request: dict[str, Any], log: BoundedLog) -> dict[str, Any]:
    plan = request["plan"]
    if plan["builder"] == "dockerfile":
        raise Failed(
            "This repository has a Dockerfile and no Maven or Gradle build.",
            "The process engine builds jars; it runs no containers.",
            "Add a build file, or have WhaleRay run with WHALERAY_ENGINE=docker.",
        )
    if shutil.disk_usage(places.root).free < MIN_FREE:
        raise Failed(
            "The disk is full.",
            f"Less than {MIN_FREE // 1024**2} MB are free for the build.",
            "Whoever runs WhaleRay makes room on this machine; then deploy again.",
        )
    jdk = jdks.choose(jdks.installed(os.environ, places.root / "jdk"), plan["jdk"])
    if jdk is None:
        raise Failed(
            f"No JDK {plan['jdk']} or newer is installed on this machine.",
            f"The repository asks for it ({plan['jdk_from']}).",
            f"Install it with: apt install openjdk-{plan['jdk']}-jdk-headless",
        )
    if jdk.major != plan["jdk"]:
        log.write(f"Notice: JDK {jdk.major} builds this; JDK {plan['jdk']} is not installed.\n".encode())
    source = _source(places, request)
    _mend_wrapper(source / plan["directory"])
    command = request["command"]
    log.write(f"$ {' '.join(command)}\n".encode())
    _run(places, request, jdk, source, log)
    return _release(places, request, source)


def _source(places: Places, request: dict[str, Any]) -> Path:
    shutil.rmtree(places.work, ignore_errors=True)
    places.work.mkdir()
    token_file = places.build / "token"
    token = token_file.read_text() if token_file.exists() else ""
    token_file.unlink(missing_ok=True)
    archive = places.work / "source.tar.gz"
    try:
        download(request["url"], token, archive)
        return unpack(archive, places.work / "unpacked")
    except FetchError as error:
        raise Failed(
            "The source could not be fetched from GitHub.", f"{error}.", "Deploy again; Re-run on the check does."
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _mend_wrapper(directory: Path) -> None:
    """A wrapper committed on Windows lacks its exec bit and has CRLF ends: both are mended here."""
    for name in ("mvnw", "gradlew"):
        wrapper = directory / name
        if wrapper.is_file() and not wrapper.is_symlink():
            text = wrapper.read_bytes()
            if b"\r\n" in text:
                wrapper.write_bytes(text.replace(b"\r\n", b"\n"))
            wrapper.chmod(0o755)


def _run(places: Places, request: dict[str, Any], jdk: jdks.Jdk, source: Path, log: BoundedLog) -> None:
    plan = request["plan"]
    home = places.root / "home" / request["service_id"]
    home.mkdir(parents=True, exist_ok=True)
    confined = bool(request["confine"]) and confine.works()
    if not confined:
        log.write(confine.NOTICE.encode())
    inside = HOME if confined else str(home)
    environment = allowed_environment(os.environ) | {
        "HOME": inside,
        "JAVA_HOME": str(jdk.home),
        "PATH": f"{jdk.home}/bin:{os.environ.get('PATH', os.defpath)}",
        "MAVEN_OPTS": f"-Duser.home={inside} {FASTER_JVM}",
        "GRADLE_USER_HOME": f"{inside}/.gradle",
        **request["variables"],
    }
    argv = request["command"]
    cwd = source / plan["directory"]
    if confined:
        shelter = confine.Shelter(
            writable=((source, SOURCE), (home, HOME)),
            directory=f"{SOURCE}/{plan['directory']}".rstrip("/"),
            extra=(jdk.home,),
        )
        argv = confine.command(shelter, argv)
    group = Group(f"build-{request['id'][:24]}", int(request["memory"]))
    try:
        code, ended_by = _supervise(argv, cwd, environment, group, request, log)
    except FileNotFoundError as error:
        tool = Path(request["command"][0]).name
        raise Failed(
            f"{tool} is not installed on this machine.",
            "The repository has no wrapper of its own.",
            f"Commit a wrapper (`{'mvn wrapper:wrapper' if tool == 'mvn' else 'gradle wrapper'}`), then deploy again.",
        ) from error
    finally:
        oom = group.usable and group.out_of_memory()
        group.remove()
    if code == 0:
        return
    if ended_by == "time":
        raise Failed(
            "The build took too long.",
            f"It was ended after {request['timeout_s']} s.",
            "The log's end shows what it was waiting for.",
            log=True,
        )
    if oom or ended_by == "memory":
        raise Failed(
            "The build ran out of memory.",
            f"It may use {int(request['memory']) >> 20} MB.",
            "Lower the heap of the build (for example `-Xmx` in `.mvn/jvm.config`), or give the machine more.",
            log=True,
        )
    if (confined and code == 127) or code == 126:
        raise Failed(f"`{request['command'][0]}` could not be started.", f"Exit code {code}.", "", log=True)
    raise Failed("The build failed.", f"`{request['command'][0]}` ended with exit code {code}.", log=True)


def _supervise(
    argv: list[str], cwd: Path, environment: dict[str, str], group: Group, request: dict[str, Any], log: BoundedLog
) -> tuple[int, str]:
    """Exit code, and what ended it before its time: "", "time", "memory" or "signal"."""

    def inside() -> None:
        if group.usable:
            group.join()

    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=inside,  # noqa: PLW1509 - this process has one thread here
    )
    ended: list[str] = []

    def told(number: int, frame: object) -> None:
        ended.append("signal")
        _kill(process)

    signal.signal(signal.SIGTERM, told)
    if process.stdout is None:
        raise OSError("no pipe")
    pump = threading.Thread(target=_pump, args=(process.stdout, log), daemon=True)
    pump.start()
    deadline = time.monotonic() + float(request["timeout_s"])
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(WATCH_S)
            break
        if time.monotonic() > deadline:
            ended.append("time")
            _kill(process)
        elif not group.usable and resident(process.pid) > int(request["memory"]):
            ended.append("memory")
            _kill(process)
    _kill(process)  # what it left behind in its group
    pump.join(KILL_AFTER_S)
    return process.returncode, ended[0] if ended else ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _pump(pipe: IO[bytes], log: BoundedLog) -> None:
    descriptor = pipe.fileno()
    with contextlib.suppress(OSError, ValueError):
        while chunk := os.read(descriptor, 65536):
            log.write(chunk)


def _release(places: Places, request: dict[str, Any], source: Path) -> dict[str, Any]:
    plan = request["plan"]
    module = source / plan["directory"] / plan["module"]
    output = module / ("target" if plan["builder"] == "maven" else "build/libs")
    jars = sorted([*output.glob("*.jar"), *output.glob("*.war")])
    bootable = [jar for jar in jars if not jar.is_symlink() and _is_bootable(jar)]
    if not bootable:
        raise Failed(
            "The build made no executable Spring Boot jar.",
            f"Of {len(jars)} archives in `{output.relative_to(source)}` none has a `Start-Class` in its manifest.",
            "Add the Spring Boot plugin (`spring-boot-maven-plugin` with its `repackage` goal, or "
            "`org.springframework.boot`) to the module that is deployed.",
            log=True,
        )
    releases = places.root / "releases" / request["id"]
    releases.mkdir(parents=True, exist_ok=True)
    new = releases / "app.jar.new"
    shutil.copyfile(bootable[0], new)
    with new.open("rb+") as file:
        os.fsync(file.fileno())
    new.replace(releases / "app.jar")
    artifact = releases / "app.jar"
    return {
        "release": {
            "deployment": request["id"],
            "artifact": str(artifact),
            "size": artifact.stat().st_size,
            "sha": request["sha"],
        }
    }


def _is_bootable(jar: Path) -> bool:
    """By its manifest, never by its name: `-plain` and the original jar have no Start-Class."""
    try:
        with zipfile.ZipFile(jar) as archive:
            manifest = archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError):
        return False
    return any(line.startswith(("Start-Class:", "Spring-Boot-Version:")) for line in manifest.splitlines())


if __name__ == "__main__":
    main(sys.argv[1])
