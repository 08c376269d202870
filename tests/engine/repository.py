"""A repository that builds in a tenth of a second: its `mvnw` packs a class that was compiled beforehand, with the
manifest that Spring Boot's plugin would write. A stand-in: `test_spring_boot.py` does it with the real thing."""

from __future__ import annotations

import fcntl
import http.server
import io
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

TOP = "octo-org-hello-0123abc"
"""GitHub's tarballs hold one directory, named after repository and commit."""
MANIFEST = "Manifest-Version: 1.0\nMain-Class: Application\nStart-Class: Application\nSpring-Boot-Version: 3.5.0\n"
PACKS = 'mkdir -p target && cp app.jar target/app.jar && echo "packed $COMMIT_SHA"'
COMPILES = (
    "mkdir -p classes target && javac -proc:none -d classes Application.java && cp version classes/ && "
    "jar --create --file target/app.jar --manifest manifest -C classes ."
)


def classes(scratch: Path) -> dict[str, bytes]:
    """The stand-in's class files, compiled once for all workers of a test run."""
    directory = scratch / "engine-classes"
    with (scratch / "engine-classes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            new = scratch / "engine-classes.new"
            javac = ["javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none", "--release", "17"]
            subprocess.run([*javac, "-d", new, Path(__file__).with_name("Application.java")], check=True, timeout=60)
            shutil.move(new, directory)
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def repository(compiled: Mapping[str, bytes], script: str = PACKS, version: str = "1") -> dict[str, bytes]:
    """Files of a repository whose `./mvnw` runs `script`."""
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", MANIFEST)
        archive.writestr("version", version)
        for name, body in compiled.items():
            archive.writestr(name, body)
    return {
        "mvnw": f"#!/bin/sh\nset -e\n{script}\n".encode(),
        "pom.xml": b"<project/>",
        "app.jar": jar.getvalue(),
        "version": version.encode(),
        "manifest": MANIFEST.encode(),
        "Application.java": Path(__file__).with_name("Application.java").read_bytes(),
    }


def tarball(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """As GitHub makes it; nothing in it is executable, as from a checkout on Windows."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(f"{TOP}/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
        for name, goal in (links or {}).items():
            member = tarfile.TarInfo(f"{TOP}/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, goal
            archive.addfile(member)
    return out.getvalue()


class Archive:
    """An HTTP server with tarballs, strict about the token. `with Archive() as archive:`"""

    token = "ghs_for-this-repository-only"

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}
        self.asked: list[str] = []
        archive = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                archive.asked.append(self.path)
                body = archive._bodies.get(self.path)
                status = 404 if body is None else 200
                if self.headers.get("Authorization") != f"Bearer {archive.token}":
                    status = 401
                self.send_response(status)
                self.send_header("Content-Length", str(len(body or b"") if status == 200 else 0))
                self.end_headers()
                if status == 200 and body is not None:
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def put(self, sha: str, body: bytes) -> str:
        """The URL where `body` is served from now on."""
        self._bodies[f"/{sha}"] = body
        return f"http://127.0.0.1:{self._server.server_port}/{sha}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
