"""One build, as a process of its own, started by `detached.start` on the build's directory.

It reads `request.json` there, fetches the source, builds it shut in, and leaves `result.json`, once. Standard library
only, so that it starts in a few hundredths of a second.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.embedded import bell
from infra.embedded.process import detached, jdks
from infra.embedded.process.boundedlog import BoundedLog
from infra.embedded.process.child import Alarm, Child
from infra.embedded.process.fetch import FetchError, download, unpack
from infra.embedded.process.files import read_json, write_once
from infra.embedded.process.release import NoJar, executable_jar, keep
from infra.embedded.process.tool import Prepared, mend_wrapper, prepare
from infra.embedded.process.turns import Turns
from infra.embedded.process.words import (
    DISK_FULL,
    ENDED,
    Failed,
    build_failed,
    no_docker,
    no_jar,
    no_jdk,
    no_source,
    out_of_memory,
    took_too_long,
)

TURN_POLL_S = 0.1
WATCH_S = 0.5
MIN_FREE = 512 * 1024**2
"""A build that starts with less disk than this fills it."""
LEAST_FREE = 128 * 1024**2
"""A build that leaves less than this is ended: the bot's own database is on that disk."""
UNPACK_MEMORY = 1024**3
"""Bytes of address space while unpacking: a header may claim any size."""


class _Cancelled(BaseException):
    """SIGTERM: `result.json` says why, or the machine is going down."""


class Cancellation:
    """What SIGTERM does: it interrupts whatever goes on, save what must be whole."""

    def __init__(self) -> None:
        self._held = self._told = False
        signal.signal(signal.SIGTERM, self._tell)

    def _tell(self, number: int, frame: object) -> None:
        self._told = True
        if not self._held:
            raise _Cancelled

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """It waits until the block has ended."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._told:
            raise _Cancelled


class Build:
    def __init__(self, directory: Path, cancellation: Cancellation) -> None:
        request = read_json(directory / "request.json")
        if request is None:
            raise SystemExit(f"{directory} holds no request.json")
        self._request: dict[str, Any] = request
        self._cancellation = cancellation
        self._root = directory.parent.parent
        self._directory = directory
        self._work = directory / "work"
        self._log = BoundedLog(directory / "build.log")
        self._alarm = Alarm()
        self._child: Child | None = None

    def run(self, token: str) -> None:
        try:
            self._leave(self._result(token))
        except _Cancelled:
            self._leave({"failure": ENDED.failure})
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if self._child is not None:
                self._child.end()
            shutil.rmtree(self._work, ignore_errors=True)

    def _leave(self, result: dict[str, Any]) -> None:
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile: nobody asks
            write_once(self._directory / "result.json", result)
        bell.ring(self._root, self._directory.name)

    def _result(self, token: str) -> dict[str, Any]:
        try:
            return {"release": self._build(token)}
        except Failed as failed:
            return {"failure": failed.failure}
        except OSError as error:
            traceback.print_exc()
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            return {"failure": (DISK_FULL if full else Failed("The build could not be run.", f"{error}.")).failure}

    def _build(self, token: str) -> dict[str, Any]:
        plan = self._request["plan"]
        if plan["builder"] == "dockerfile":
            raise no_docker()
        if self._free() < MIN_FREE:
            raise DISK_FULL
        jdk = jdks.choose(jdks.installed(os.environ, self._root / "jdk"), plan["jdk"])
        if jdk is None:
            raise no_jdk(plan["jdk"], plan["jdk_from"])
        source = self._source(token)
        self._await_turn()
        if jdk.major != plan["jdk"]:
            self._say(f"Notice: JDK {jdk.major} builds this; JDK {plan['jdk']} is not installed.")
        mend_wrapper(source / plan["directory"])
        self._run(prepare(self._request, self._root, self._work, source, jdk, self._say))
        return self._release(source)

    def _source(self, token: str) -> Path:
        """Fetched before it is this build's turn: a token doesn't live as long as a line may be."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()
        archive = self._work / "source.tar.gz"
        try:
            download(self._request["url"], token, archive)
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (UNPACK_MEMORY, hard))
            try:
                return unpack(archive, self._work / "unpacked")
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        except FetchError as error:
            raise no_source(str(error)) from error
        finally:
            archive.unlink(missing_ok=True)

    def _await_turn(self) -> None:
        request = self._request
        turns = Turns(self._root / "turns", int(request["max_builds"]))
        cache = f"{request['service_id']}/{request['layer']}"
        turns.enter(request["id"], self._directory / "runner.lock", request["service_id"], cache, request["at"])
        if not turns.mine(request["id"]):
            self._say(f"Waiting for its turn: {request['max_builds']} at once are built on this machine.")
            while not turns.mine(request["id"]):
                self._alarm.sleep(TURN_POLL_S)
        (self._directory / "begun").touch()

    def _run(self, prepared: Prepared) -> None:
        request = self._request
        self._say(f"$ {' '.join(request['command'])}")
        with self._cancellation.held():
            self._child = child = Child(
                prepared.argv,
                prepared.directory,
                prepared.environment,
                self._log,
                name=f"build-{request['id'][:40]}",
                limit=int(request["memory"]),
                record=self._directory / "child.json",
                confined=request["confined"],
                nice=5,
            )
        deadline = time.monotonic() + float(request["timeout_s"])
        wrong: Failed | None = None
        while child.poll() is None and wrong is None:
            self._alarm.sleep(WATCH_S)
            if time.monotonic() > deadline:
                wrong = took_too_long(request["timeout_s"])
            elif self._free() < LEAST_FREE:
                wrong = DISK_FULL
            elif child.too_big():
                wrong = out_of_memory(request["memory"])
        code = child.end()
        self._child = None
        if wrong is None and child.ran_out and code != 0:
            wrong = out_of_memory(request["memory"])
        if wrong is not None:
            raise wrong
        if code != 0:
            raise build_failed(request["command"][0], code)

    def _release(self, source: Path) -> dict[str, Any]:
        plan = self._request["plan"]
        output = "target" if plan["builder"] == "maven" else "build/libs"
        try:
            jar = executable_jar(source, f"{plan['directory']}/{plan['module']}".strip("/"), output)
        except NoJar as error:
            raise no_jar(error.looked, error.where) from error
        kept = keep(jar, self._root / "releases" / self._request["id"])
        return {
            "deployment": self._request["id"],
            "artifact": str(kept),
            "size": kept.stat().st_size,
            "sha": self._request["sha"],
        }

    def _free(self) -> int:
        return shutil.disk_usage(self._root).free

    def _say(self, line: str) -> None:
        self._log.write(f"{line}\n".encode())


def main(directory: str, descriptor: str) -> None:
    """`descriptor`: of the build's lock, taken by whoever started this process."""
    os.umask(0o077)
    build = Path(directory)
    cancellation = Cancellation()
    detached.hold(int(descriptor))
    token = sys.stdin.read()
    if (build / "result.json").exists():
        return
    try:
        Build(build, cancellation).run(token)
    finally:
        Turns(build.parent.parent / "turns", 1).leave(build.name)
