"""The JDKs of this machine: which there are, and which one a plan gets."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

PLACES = ("/usr/lib/jvm", "/usr/java", "/opt/java", "/opt/jdk")
_VERSION = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)


class Jdk(NamedTuple):
    home: Path
    major: int


def installed(environment: Mapping[str, str], own: Path) -> list[Jdk]:
    """Every JDK with a compiler, lowest version first: JAVA_HOME's, the system's, and those under `own`."""
    candidates: list[Path] = []
    if named := environment.get("JAVA_HOME"):
        candidates.append(Path(named))
    for place in (*map(Path, PLACES), own):
        if place.is_dir():
            candidates += sorted(place.iterdir())
    if javac := shutil.which("javac", path=environment.get("PATH", os.defpath)):
        candidates.append(Path(javac).resolve().parent.parent)
    return sorted({jdk.home: jdk for jdk in _real(candidates)}.values(), key=lambda jdk: (jdk.major, str(jdk.home)))


def _real(candidates: Iterable[Path]) -> Iterable[Jdk]:
    for candidate in candidates:
        home = candidate.resolve()
        if not os.access(home / "bin" / "javac", os.X_OK):
            continue
        try:
            found = _VERSION.search((home / "release").read_text(errors="replace"))
        except OSError:
            continue
        if found:
            yield Jdk(home, int(found[1]))


def choose(jdks: Iterable[Jdk], wanted: int) -> Jdk | None:
    """The wanted version, else the next higher: a newer JDK builds and runs older code."""
    return next((jdk for jdk in sorted(jdks, key=lambda jdk: jdk.major) if jdk.major >= wanted), None)
