"""The build tool as it is run: found, shut in, with its caches and settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from infra.embedded.process import confine
from infra.embedded.process.environment import allowed
from infra.embedded.process.jdks import Jdk
from infra.embedded.process.proxies import java_proxies, maven_settings
from infra.embedded.process.words import no_directory, no_tool, no_wrapper

SOURCE, HOME, SHARED, SETTINGS = "/workspace/source", "/workspace/home", "/workspace/shared", "/workspace/settings.xml"
PRODUCTION = "production"
FASTER_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A build's JVM lives for seconds: it never earns back what the second compiler and G1's threads cost."""
HEAP_SHARE = 0.6
"""Of a build's memory: javac, the wrapper and what a JVM holds outside its heap need the rest."""
_TAKE_WRAPPER = (
    'for kind in .m2 .gradle; do [ -e "$HOME/$kind/wrapper" ] || [ ! -d "$0/$kind/wrapper" ] || '
    '{ mkdir -p "$HOME/$kind" && cp -R "$0/$kind/wrapper" "$HOME/$kind/"; }; done; exec "$@"'
)
"""Run shut in, like all that touches a cache: a build may have put symlinks there."""


class Prepared(NamedTuple):
    argv: list[str]
    directory: Path
    environment: dict[str, str]


def mend_wrapper(directory: Path) -> None:
    """A wrapper committed on Windows lacks its exec bit and has CRLF ends: both are mended here."""
    for name in ("mvnw", "gradlew"):
        wrapper = directory / name
        if wrapper.is_file() and not wrapper.is_symlink():
            text = wrapper.read_bytes()
            if b"\r\n" in text:
                wrapper.write_bytes(text.replace(b"\r\n", b"\n"))
            wrapper.chmod(0o755)


def prepare(
    request: Mapping[str, Any], root: Path, work: Path, source: Path, jdk: Jdk, say: Callable[[str], None]
) -> Prepared:
    """Raises Failed where the tool is missing.

    Caches are kept per repository, and in layers: builds of the default branch write `production`; any other build
    reads that and writes a layer of its own, so that no unmerged commit, and no other repository, decides what a later
    build takes for a dependency.
    """
    plan = request["plan"]
    directory = source / plan["directory"]
    if not directory.resolve().is_relative_to(source.resolve()) or not directory.is_dir():
        raise no_directory(plan["directory"])
    command, tool = _found(list(request["command"]), directory, root)
    caches = root / "caches" / request["service_id"]
    layer = caches / request["layer"]
    layer.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.utime(layer)  # `prune` drops what nobody builds with
    shared = caches / PRODUCTION if request["layer"] != PRODUCTION and (caches / PRODUCTION).is_dir() else None
    temporary = work / "tmp"
    temporary.mkdir()
    confined = bool(request["confined"])
    seen = _Seen(HOME, SHARED, SETTINGS) if confined else _Seen(str(layer), str(shared), str(work / "settings.xml"))
    settings = maven_settings(os.environ) if plan["builder"] == "maven" else None
    if settings:
        (work / "settings.xml").write_text(settings)
        command[1:1] = ["-gs", seen.settings]
    environment = allowed(os.environ) | {
        "HOME": seen.home,
        "JAVA_HOME": str(jdk.home),
        "PATH": f"{jdk.home}/bin:{os.environ.get('PATH', os.defpath)}",
        "TMPDIR": "/tmp" if confined else str(temporary),  # noqa: S108 - its own
        "MAVEN_OPTS": " ".join(_maven_options(request, directory, seen, shared=shared is not None)),
        "GRADLE_OPTS": " ".join([f"-Duser.home={seen.home}", *java_proxies(os.environ)]),
        "GRADLE_USER_HOME": f"{seen.home}/.gradle",
        **request["variables"],
    }
    if shared is not None:
        command = ["sh", "-c", _TAKE_WRAPPER, seen.shared, *command]
        environment["GRADLE_RO_DEP_CACHE"] = f"{seen.shared}/.gradle/caches"
    if not confined:
        say(confine.NOTICE.rstrip())
        return Prepared(command, directory, environment)
    readable = ((shared, SHARED),) if shared is not None else ()
    shelter = confine.Shelter(
        writable=((source, SOURCE), (layer, HOME), (temporary, "/tmp")),  # noqa: S108 - the build's own
        readable=(*readable, *(((work / "settings.xml", SETTINGS),) if settings else ())),
        directory=f"{SOURCE}/{plan['directory']}".rstrip("/"),
        extra=(jdk.home, *tool),
    )
    return Prepared(confine.command(shelter, command), source, environment)


class _Seen(NamedTuple):
    """Paths as the build sees them."""

    home: str
    shared: str
    settings: str


def _found(command: list[str], directory: Path, root: Path) -> tuple[list[str], tuple[Path, ...]]:
    """The command with its tool's whole path, and where that tool lives: its own directory if it has one (a script in
    `~/bin` has not, and that directory's parent is nobody's business)."""
    name = command[0]
    if name.startswith("./"):
        if not (directory / name).is_file():
            raise no_wrapper(name)
        return command, ()
    path = shutil.which(name)
    if path is None:
        raise no_tool(name)
    real = Path(path).resolve()
    home = real.parent.parent
    whole = real.parent.name == "bin" and (home / "lib").is_dir() and not root.is_relative_to(home)
    return [str(real), *command[1:]], (home if whole else real,)


def _maven_options(request: Mapping[str, Any], directory: Path, seen: _Seen, *, shared: bool) -> list[str]:
    """What the repository says of its own JVM stays: two collectors on one command line keep a JVM from starting."""
    options = [f"-Duser.home={seen.home}"]
    if shared:
        options.append(f"-Dmaven.repo.local.tail={seen.shared}/.m2/repository")
    config = directory / ".mvn" / "jvm.config"
    said = config.read_text(errors="replace") if config.is_file() and not config.is_symlink() else ""
    if "-Xmx" not in said and "RAMPercentage" not in said:
        options.append(f"-Xmx{int(request['memory'] * HEAP_SHARE) >> 20}m")
    if "-XX:" not in said:
        options += FASTER_JVM
    return options
