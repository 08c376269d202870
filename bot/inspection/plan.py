"""The decision: from a tree, and at most four of its files, to a `BuildPlan`. Pure; who drives it reads the files."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from bot.inspection import candidates, config, jdk, own_dockerfile, refusals, runtime, systems
from bot.inspection.candidates import Candidate, Found
from bot.inspection.config import Configuration
from bot.inspection.files import Files, join, show, usable
from bot.inspection.own_dockerfile import OwnDockerfile
from bot.inspection.runtime import Runtime
from bot.inspection.systems import Facts
from bot.model import Builder, BuildPlan, Health
from bot.ports import Tree

DEFAULT_PORT = 8080
_OLD_BOOT = (2, 5)
"""The first Spring Boot that runs on JDK 17."""

Planning = Generator[str, bytes, BuildPlan]
"""Yields the path it wants to read, is sent its bytes, and returns the plan."""


def plan(tree: Tree) -> Planning:
    """UserError when there is nothing to build, or too much to choose from."""
    files = Files(tree)
    if files.empty:
        raise refusals.empty()
    wanted = yield from config.read(files)
    within = wanted.path or ""
    if within and within not in files.directories:
        raise refusals.path_absent(files, within)
    dockerfile = _own_dockerfile(files, wanted, within)
    facts = yield from _application(files, wanted, within, dockerfile is not None)
    if facts is None:
        return (yield from _dockerfile_alone(files, wanted, dockerfile or ""))
    if dockerfile is None and wanted.dockerfile is None and (beside := join(facts.directory, "Dockerfile")) in files:
        dockerfile = beside
    own = yield from _read_dockerfile(files, dockerfile)
    running = yield from runtime.read(files, facts.candidate.directory)
    version, version_from = yield from _jdk(files, wanted, facts)
    return _plan(files, wanted, facts, _Parts(dockerfile, own, running, version, version_from))


def _own_dockerfile(files: Files, wanted: Configuration, within: str) -> str | None:
    if wanted.dockerfile:
        if wanted.dockerfile not in files:
            raise refusals.dockerfile_absent(wanted.dockerfile)
        return wanted.dockerfile
    if wanted.dockerfile is False:
        return None
    return files.first([join(within, "Dockerfile")])


def _application(
    files: Files, wanted: Configuration, within: str, dockerfile: bool
) -> Generator[str, bytes, Facts | None]:
    """The application's facts; None when only the Dockerfile is left to build."""
    found = candidates.find(files, within)
    if not found.candidates:
        if dockerfile:
            return None
        if files.truncated and not within:
            raise refusals.truncated()
        raise refusals.nothing(files, found, within)
    chosen = _chosen(files, found, within)
    read: list[Facts] = []
    for candidate in chosen:
        if not usable(candidate.directory):
            raise refusals.unusable(candidate.directory)
        read.append((yield from systems.read(files, candidate)))
    applications = [each for each in read if each.boot is not False and each.repackages is not False]
    if len(applications) > 1:
        raise refusals.several(tuple(each.candidate for each in applications))
    if applications and (applications[0].boot or chosen[0].score >= 4):
        return applications[0]
    if dockerfile:
        return None
    facts = read[0]
    raise refusals.not_executable(facts) if facts.boot and not facts.framework else refusals.not_boot(facts)


def _chosen(files: Files, found: Found, within: str) -> tuple[Candidate, ...]:
    """One, or two that only their build files can tell apart."""
    at_root = next((each for each in found.candidates if each.directory == within), None)
    if at_root and (at_root.score or files.truncated or not found.best[0].score):
        return (at_root,)
    if files.truncated and not within:
        raise refusals.truncated()
    if {each.directory for each in found.best} == {join(within, "initial"), join(within, "complete")}:
        return tuple(each for each in found.best if each.directory.endswith("complete"))
    if len(found.best) > 2:
        raise refusals.several(found.best)
    return found.best


def _read_dockerfile(files: Files, path: str | None) -> Generator[str, bytes, OwnDockerfile | None]:
    text = yield from files.text(path)
    return None if text is None else own_dockerfile.parse(text)


def _jdk(files: Files, wanted: Configuration, facts: Facts) -> Generator[str, bytes, tuple[int, str]]:
    if wanted.jdk:
        return wanted.jdk, "`.whaleray.yml`"
    if number := jdk.major(facts.jdk):
        return max(number, jdk.OLDEST), facts.jdk_from
    places = dict.fromkeys((facts.candidate.directory, facts.directory, ""))
    path = files.first(join(place, each) for place in places for each in jdk.FILES)
    text = yield from files.text(path)
    if path and text and (number := jdk.from_file(text, path.rpartition("/")[2])):
        return max(number, jdk.OLDEST), show(path)
    if (boot := _numbers(facts.boot_version)) and boot < _OLD_BOOT:
        return jdk.OLDEST, f"Spring Boot {boot[0]}.{boot[1]}'s own default"
    return jdk.DEFAULT, "default"


def _numbers(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return int(parts[0][:4]), int(parts[1][:4])


@dataclass(frozen=True)
class _Parts:
    dockerfile: str | None
    own: OwnDockerfile | None
    running: Runtime
    jdk: int
    jdk_from: str


def _plan(files: Files, wanted: Configuration, facts: Facts, parts: _Parts) -> BuildPlan:
    notes = list(parts.running.notes)
    dockerfile = parts.dockerfile
    if dockerfile and parts.own and parts.own.wants_prebuilt and not wanted.dockerfile:
        notes.append(f"{show(dockerfile)} copies a jar that is built before it: WhaleRay's own image is used instead.")
        dockerfile = None
    wrapper, why_not = _wrapper(files, facts)
    notes += why_not
    return BuildPlan(
        builder=facts.builder,
        directory=facts.directory,
        module=facts.module,
        wrapper=wrapper is not None,
        wrapper_executable=wrapper is None or files.executable(wrapper),
        jdk=parts.jdk,
        jdk_from=parts.jdk_from,
        spring_boot=facts.boot_version if _numbers(facts.boot_version) else "",
        port=_port(wanted, parts),
        health=runtime.health(wanted.health, parts.running, actuator=facts.actuator),
        context_path=parts.running.context_path,
        dockerfile=dockerfile,
        **_wishes(wanted),
        notes=tuple(notes),
    )


def _wrapper(files: Files, facts: Facts) -> tuple[str | None, list[str]]:
    if facts.builder is Builder.MAVEN:
        script, needed = "mvnw", ".mvn/wrapper/maven-wrapper.properties"
    else:
        script, needed = "gradlew", "gradle/wrapper/gradle-wrapper.jar"
    path = join(facts.directory, script)
    if path not in files:
        return None, []
    if join(facts.directory, needed) not in files:
        return None, [f"`{script}` is there and `{needed}` is not: it can't run, so the system's tool builds."]
    return path, []


def _port(wanted: Configuration, parts: _Parts) -> int:
    if wanted.port:
        return wanted.port
    exposed = parts.own.ports if parts.own else ()
    if parts.running.port and (not exposed or parts.running.port in exposed):
        return parts.running.port if parts.running.port >= 1024 else DEFAULT_PORT
    if exposed:
        return DEFAULT_PORT if DEFAULT_PORT in exposed else exposed[0]
    return DEFAULT_PORT


def _wishes(wanted: Configuration) -> dict[str, object]:
    return {
        "arguments": wanted.arguments,
        "env": tuple(sorted(wanted.env.items())),
        "memory_mb": wanted.memory,
        "cpu": wanted.cpu,
        "instances": wanted.instances,
    }


def _dockerfile_alone(files: Files, wanted: Configuration, path: str) -> Planning:
    own = yield from _read_dockerfile(files, path)
    parts = _Parts(path, own, Runtime(), jdk.DEFAULT, "default")
    return BuildPlan(
        builder=Builder.DOCKERFILE,
        directory=wanted.path or "",
        port=_port(wanted, parts),
        health=Health(path=wanted.health),
        dockerfile=path,
        **_wishes(wanted),
    )
