"""The built artifact: which jar of a build is the application, and keeping it where the build can't reach it."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path

LONGEST_MANIFEST = 1024 * 1024


class NoJar(Exception):
    """`looked`: how many archives were looked at; `where`: in which directory of the repository."""

    def __init__(self, looked: int, where: str) -> None:
        super().__init__(where)
        self.looked = looked
        self.where = where


def executable_jar(source: Path, module: str, output: str) -> Path:
    """The one in `source/module/output` whose manifest says that Spring Boot starts it. Raises NoJar.

    The build is over, but it may have left symlinks: what leads out of `source` is none of its own.
    """
    root = source.resolve()
    directory = (root / module / output).resolve()
    if not directory.is_relative_to(root):
        raise NoJar(0, f"{module}/{output}".strip("/"))
    jars = sorted(jar for pattern in ("*.jar", "*.war") for jar in directory.glob(pattern))
    for jar in jars:
        if jar.is_file() and not jar.is_symlink() and is_executable(jar):
            return jar
    raise NoJar(len(jars), str(directory.relative_to(root)))


def is_executable(jar: Path) -> bool:
    """By its manifest, never by its name: `-plain` and the original jar have no Start-Class."""
    try:
        with zipfile.ZipFile(jar) as archive, archive.open("META-INF/MANIFEST.MF") as file:
            manifest = file.read(LONGEST_MANIFEST).decode("utf-8", "replace")
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, RuntimeError, EOFError):
        return False
    return any(line.startswith(("Start-Class:", "Spring-Boot-Version:")) for line in manifest.splitlines())


def keep(jar: Path, releases: Path) -> Path:
    """A copy, not the file itself: the build may hold other names of it."""
    releases.mkdir(mode=0o700, parents=True, exist_ok=True)
    new, kept = releases / "app.jar.new", releases / "app.jar"
    shutil.copyfile(jar, new)
    descriptor = os.open(new, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(kept)
    return kept
