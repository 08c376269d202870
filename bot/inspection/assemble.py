"""The plan, put together of what the files say and what `.whaleray.yml` wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from bot.inspection import jdk, runtime
from bot.inspection.candidates import guide_directories
from bot.inspection.config import Configuration
from bot.inspection.files import Files, join, parent, show, show_all
from bot.inspection.own_dockerfile import OwnDockerfile
from bot.inspection.runtime import Runtime
from bot.inspection.systems import Facts
from bot.model import Builder, BuildPlan, Health

DEFAULT_PORT = 8080
FIRST_FREE_PORT = 1024
"""Those below belong to root, which no service runs as."""
_NEEDED_JDK = {3: 17, 4: 17}
"""Spring Boot's major version -> the oldest JDK that runs it."""


@dataclass(frozen=True)
class Parts:
    """What was found beside the build files. `own` is None where the Dockerfile was not read."""

    dockerfile: str | None
    own: OwnDockerfile | None
    running: Runtime
    jdk: int
    jdk_from: str

    @property
    def unbuildable(self) -> bool:
        return self.own is not None and self.own.wants_prebuilt


class _Wishes(TypedDict):
    arguments: tuple[str, ...]
    memory_mb: int
    cpu: float
    instances: int


def assemble(files: Files, wanted: Configuration, facts: Facts, parts: Parts) -> BuildPlan:
    dockerfile = None if parts.unbuildable and not wanted.dockerfile else parts.dockerfile
    wrapper = _wrapper(files, facts)
    env = dict(wanted.env)
    if parts.running.tls:
        env.setdefault("SERVER_SSL_ENABLED", "false")
    return BuildPlan(
        builder=facts.builder,
        directory=facts.directory,
        module=facts.module,
        wrapper=wrapper is not None,
        wrapper_executable=wrapper is None or files.executable(wrapper),
        task=_task(facts),
        repackage=facts.repackages is False,
        jdk=parts.jdk,
        jdk_from=parts.jdk_from,
        spring_boot=facts.boot_version if boot_numbers(facts.boot_version) else "",
        port=_port(wanted, parts),
        health=runtime.health(wanted.health, parts.running, actuator=facts.actuator),
        context_path=parts.running.context_path,
        dockerfile=dockerfile,
        context=_context(wanted, dockerfile),
        env=tuple(sorted(env.items())),
        notes=tuple(_notes(files, wanted, facts, parts)),
        **_wishes(wanted),
    )


def dockerfile_alone(wanted: Configuration, path: str, own: OwnDockerfile | None) -> BuildPlan:
    parts = Parts(path, own, Runtime(), jdk.DEFAULT, "default")
    notes = [f"Only {show(path)} is there to build with: no build file of a Spring Boot application was found."]
    if own and own.wants_prebuilt:
        notes.append(f"{show(path)} copies a jar that it doesn't build: commit its build file too if this fails.")
    return BuildPlan(
        builder=Builder.DOCKERFILE,
        directory=wanted.path or "",
        port=_port(wanted, parts),
        health=Health(path=wanted.health),
        dockerfile=path,
        context=_context(wanted, path),
        env=tuple(sorted(wanted.env.items())),
        notes=tuple(notes),
        **_wishes(wanted),
    )


def boot_numbers(version: str) -> tuple[int, int] | None:
    """Major and minor; None when it is no version."""
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def _wishes(wanted: Configuration) -> _Wishes:
    return {
        "arguments": wanted.arguments,
        "memory_mb": wanted.memory,
        "cpu": wanted.cpu,
        "instances": wanted.instances,
    }


def _context(wanted: Configuration, dockerfile: str | None) -> str:
    """A Dockerfile is built in its own directory; one that was named, in `path`, which it may be written for."""
    if dockerfile is None:
        return ""
    return (wanted.path or "") if wanted.dockerfile else parent(dockerfile)


def _task(facts: Facts) -> str:
    boot = boot_numbers(facts.boot_version)
    if facts.builder is Builder.GRADLE and boot and boot[0] < 2:
        return "assemble"
    return "bootWar" if facts.builder is Builder.GRADLE and facts.war else "bootJar"


def _port(wanted: Configuration, parts: Parts) -> int:
    """What the Dockerfile exposes comes first: it may start the application with a port of its own."""
    if wanted.port:
        return wanted.port
    exposed = parts.own.ports if parts.own else ()
    said = parts.running.port
    if exposed and said not in exposed:
        return DEFAULT_PORT if DEFAULT_PORT in exposed else exposed[0]
    if said and (said >= FIRST_FREE_PORT or exposed):
        return said
    return DEFAULT_PORT


def _wrapper(files: Files, facts: Facts) -> str | None:
    """The wrapper's path, when it can run."""
    script, needed = _wrapper_files(facts)
    return script if script in files and needed in files else None


def _wrapper_files(facts: Facts) -> tuple[str, str]:
    names = {
        Builder.MAVEN: ("mvnw", ".mvn/wrapper/maven-wrapper.properties"),
        Builder.GRADLE: ("gradlew", "gradle/wrapper/gradle-wrapper.jar"),
    }
    script, needed = names[facts.builder]
    return join(facts.directory, script), join(facts.directory, needed)


def _notes(files: Files, wanted: Configuration, facts: Facts, parts: Parts) -> Iterator[str]:
    script, needed = _wrapper_files(facts)
    if script in files and needed not in files:
        tool = "Maven" if facts.builder is Builder.MAVEN else "Gradle"
        yield f"{show(script)} can't run without {show(needed)}: the machine's own {tool} builds."
    yield from _dockerfile_notes(files, wanted, facts, parts)
    yield from _running_notes(wanted, facts, parts)
    boot = boot_numbers(facts.boot_version)
    needs = _NEEDED_JDK.get(boot[0], 0) if boot else 0
    if boot and parts.jdk < needs:
        yield f"Spring Boot {boot[0]}.{boot[1]} needs JDK {needs} or later, and JDK {parts.jdk} is asked for."
    if facts.native:
        yield "GraalVM's plugin is there; WhaleRay builds the jar and runs it on a JVM."
    if facts.elsewhere and not (facts.boot and facts.repackages):
        yield f"{show(facts.candidate.build_file)} doesn't name Spring Boot's plugin; {facts.elsewhere} may bring it."
    if facts.repackages is False:
        yield f"{show(facts.candidate.build_file)} doesn't apply Spring Boot's plugin: WhaleRay calls its `repackage`."
    guide = guide_directories(parent(facts.directory))
    if facts.directory == guide[0] == facts.candidate.directory and wanted.path != facts.directory:
        beside = [each for each in guide[1:] if each in files.directories]
        if beside:
            yield f"{show(facts.directory)} is built, and not {show_all(beside)}: this is laid out as a Spring guide."
    if files.truncated:
        yield "GitHub lists only a part of this repository's files; the rest was not looked at."


def _dockerfile_notes(files: Files, wanted: Configuration, facts: Facts, parts: Parts) -> Iterator[str]:
    if parts.dockerfile is None:
        beside = join(facts.candidate.directory, "Dockerfile")
        if facts.module and beside in files and wanted.dockerfile is None:
            yield f"{show(beside)} is not used: to build with it, name it as `dockerfile` in `.whaleray.yml`."
        return
    if parts.own is None:
        yield f"{show(parts.dockerfile)} was not read, as four files were before it: set `port` if it exposes one."
    elif parts.unbuildable and not wanted.dockerfile:
        yield f"{show(parts.dockerfile)} copies a jar that it doesn't build: WhaleRay's own image is used instead."
    elif len(parts.own.ports) > 1 and not wanted.port:
        listed = ", ".join(map(str, parts.own.ports[:10]))
        yield f"{show(parts.dockerfile)} exposes {listed}: requests go to {_port(wanted, parts)}."


def _running_notes(wanted: Configuration, facts: Facts, parts: Parts) -> Iterator[str]:
    running = parts.running
    yield from running.notes
    if running.port and running.port < FIRST_FREE_PORT and _port(wanted, parts) != running.port:
        yield f"Port {running.port} belongs to root; the application is told to listen on {_port(wanted, parts)}."
    if facts.actuator and running.health_path is None and not wanted.health:
        yield "Actuator's health is not served on the application's port: any answer below 500 counts as up."
    if not running.web:
        yield "`spring.main.web-application-type` is `none`: a service has to listen, or it never counts as up."
    if running.tls and "SERVER_SSL_ENABLED" not in wanted.env:
        yield "`server.ssl` is switched off: the router speaks HTTPS to people and HTTP to the application."
