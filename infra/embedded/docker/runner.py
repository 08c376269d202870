"""One build of an image, as a process of its own, started by `detached.start` on the build's directory.

It fetches the source as any build does, has Docker build it, and leaves `result.json`, once. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.embedded.docker import words
from infra.embedded.process import boundedlog, detached
from infra.embedded.process.runner import MIN_FREE, Build, Cancellation
from infra.embedded.process.tool import Prepared
from infra.embedded.process.turns import Turns
from infra.embedded.process.words import DISK_FULL, Failed, build_failed

_ASK_S = 30.0


class ImageBuild(Build):
    def _build(self, token: str) -> dict[str, Any]:
        if self._free() < MIN_FREE:
            raise DISK_FULL
        source = self._source(token)
        self._await_turn()
        self._run(self._prepared(source))
        return self._image()

    def _source(self, token: str) -> Path:
        """With the modes that the archive gives: an image keeps them, and its user is another one."""
        before = os.umask(0o022)
        try:
            return super()._source(token)
        finally:
            os.umask(before)

    def _prepared(self, source: Path) -> Prepared:
        """The Dockerfile lies outside the context where it is ours: the source stays as it was committed."""
        request = self._request
        context = source
        if request["dockerfile"] is None:
            file, context = source / request["plan"]["dockerfile"], source / request["plan"]["context"]
            if not file.is_file() or not context.is_dir():
                raise words.no_dockerfile(request["plan"]["dockerfile"])
        else:
            file = self._work / "Dockerfile"
            file.write_text(request["dockerfile"])
            if not (source / ".dockerignore").exists():
                file.with_name("Dockerfile.dockerignore").write_text(request["dockerignore"])
        command = [request["docker"], "build", "--file", str(file), "--tag", request["image"]]
        for name in request["variables"]:
            command += ["--build-arg", name]  # the value from the environment: a proxy's may hold a password
        for name, value in request["labels"].items():
            command += ["--label", f"{name}={value}"]
        return Prepared([*command, str(context)], source, request["variables"] | request["environment"])

    def _run(self, prepared: Prepared) -> None:
        try:
            super()._run(prepared)
        except Failed as failed:
            if failed.failure != build_failed(self._request["command"][0], 1).failure:
                raise
            raise words.why(boundedlog.read(self._directory / "build.log"), 1) from failed

    def _image(self) -> dict[str, Any]:
        request = self._request
        ask = [request["docker"], "image", "inspect", "--format", "{{.Size}}", request["image"]]
        done = subprocess.run(
            ask, env=request["environment"], capture_output=True, text=True, timeout=_ASK_S, check=False
        )
        if done.returncode != 0:
            raise Failed("The image could not be built.", f"Docker says: {done.stderr.strip().rstrip('.')}.", log=True)
        return {
            "deployment": request["id"],
            "artifact": request["image"],
            "size": int(done.stdout),
            "sha": request["sha"],
        }

    def _free(self) -> int:
        """Of the state directory's disk and Docker's, the fuller one."""
        free = super()._free()
        with contextlib.suppress(OSError):  # Docker's may be another user's
            free = min(free, shutil.disk_usage(self._request["storage"]).free)
        return free


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
        ImageBuild(build, cancellation).run(token)
    finally:
        Turns(build.parent.parent / "turns", 1).leave(build.name)
