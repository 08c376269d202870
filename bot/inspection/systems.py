"""What the build files of one candidate say, for Maven and for Gradle alike."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from bot.inspection import gradle, pom
from bot.inspection.candidates import Candidate
from bot.inspection.files import Files, join, name, parent
from bot.model import Builder

ACTUATOR = "spring-boot-starter-actuator"
_OTHERS = (
    ("io.quarkus", "Quarkus"),
    ("io.micronaut", "Micronaut"),
    ("com.android", "Android"),
    ("io.helidon", "Helidon"),
    ("io.dropwizard", "Dropwizard"),
    ("io.ktor", "Ktor"),
)


@dataclass(frozen=True)
class Facts:
    """`boot`: True, False, or None where the files read can't tell."""

    candidate: Candidate
    builder: Builder
    directory: str
    module: str = ""
    boot: bool | None = None
    repackages: bool | None = None
    """Whether the plugin that makes the jar executable runs; None: can't tell."""
    boot_version: str = ""
    actuator: bool = False
    jdk: str = ""
    jdk_from: str = ""
    war: bool = False
    native: bool = False
    framework: str = ""
    """Another one than Spring Boot, by name."""
    outer_parent: str = ""
    properties_file: str | None = None
    """Where Gradle's variables may be, if one was met that is not known."""


def read(files: Files, candidate: Candidate) -> Generator[str, bytes, Facts]:
    if name(candidate.build_file) == "pom.xml":
        return (yield from _maven(files, candidate))
    return (yield from _gradle(files, candidate))


def _ancestors(directory: str) -> list[str]:
    """From the root down, the directory itself left out."""
    found = []
    while directory:
        directory = parent(directory)
        found.append(directory)
    return found[::-1]


def _maven(files: Files, candidate: Candidate) -> Generator[str, bytes, Facts]:
    own = pom.parse((yield from files.read(candidate.build_file)) or b"", candidate.build_file)
    directory, chain = candidate.directory, [own]
    outermost = next((a for a in _ancestors(candidate.directory) if join(a, "pom.xml") in files), None)
    if outermost is not None and own.parent != pom.BOOT_PARENT:
        path = join(outermost, "pom.xml")
        content = yield from files.read(path)
        if content is not None:
            root = pom.parse(content, path)
            below = candidate.directory.removeprefix(outermost).strip("/")
            if any(below == module or below.startswith(f"{module}/") for module in root.modules):
                directory = outermost
            if own.parent and own.parent_local:
                chain.append(root)
    elif outermost is not None:
        directory = yield from _reactor(files, candidate, outermost)
    project = pom.Project(tuple(chain))
    version, where = project.jdk
    outer = project.outer_parent
    elsewhere = bool(outer) and outer != pom.BOOT_PARENT
    return Facts(
        candidate=candidate,
        builder=Builder.MAVEN,
        directory=directory,
        module=candidate.directory.removeprefix(directory).strip("/"),
        boot=True if project.has_boot else (None if elsewhere else False),
        repackages=True if project.has_plugin else (None if elsewhere else False),
        boot_version=project.boot_version,
        actuator=any(each.endswith(f":{ACTUATOR}") for each in project.dependencies),
        jdk=version,
        jdk_from=where,
        war=own.packaging == "war",
        native="org.graalvm.buildtools:native-maven-plugin" in project.plugins,
        framework=_framework(project.groups()),
        outer_parent=outer if elsewhere else "",
    )


def _reactor(files: Files, candidate: Candidate, outermost: str) -> Generator[str, bytes, str]:
    """Where the build of a module with a parent of its own begins."""
    path = join(outermost, "pom.xml")
    content = yield from files.read(path)
    if content is None:
        return candidate.directory
    below = candidate.directory.removeprefix(outermost).strip("/")
    modules = pom.parse(content, path).modules
    return outermost if any(below == m or below.startswith(f"{m}/") for m in modules) else candidate.directory


def _gradle(files: Files, candidate: Candidate) -> Generator[str, bytes, Facts]:
    directory = candidate.directory
    around = [*_ancestors(candidate.directory), candidate.directory]
    for each in reversed(around):
        if files.first(join(each, settings) for settings in gradle.SETTINGS):
            directory = each
            break
    text = yield from files.text(candidate.build_file)
    own = [gradle.parse(text or "")]
    catalog = gradle.NO_CATALOG
    if own[0].aliases or own[0].libraries:
        toml = yield from files.text(join(directory, "gradle/libs.versions.toml"))
        catalog = gradle.parse_catalog(toml or "")
    build = gradle.Build(tuple(own), None, catalog)
    if gradle.BOOT_PLUGIN not in build.plugins and (path := _convention(files, directory, own[0])):
        own.append(gradle.parse((yield from files.text(path)) or ""))
        build = gradle.Build(tuple(own), None, catalog)
    if directory != candidate.directory and not (
        gradle.BOOT_PLUGIN in build.plugins and build.boot_version and build.jdk[0] and build.uses(ACTUATOR)
    ):
        path = files.first(join(directory, script) for script in gradle.SCRIPTS)
        outer = gradle.parse((yield from files.text(path)) or "") if path else None
        build = gradle.Build(tuple(own), outer, catalog)
    facts = _gradle_facts(candidate, directory, build)
    unknown = not facts.boot_version or (facts.jdk and not facts.jdk.strip("\"'")[:1].isdigit())
    return replace(facts, properties_file=files.first([join(directory, "gradle.properties")]) if unknown else None)


def _gradle_facts(candidate: Candidate, directory: str, build: gradle.Build) -> Facts:
    version, where = build.jdk
    applied = gradle.BOOT_PLUGIN in build.plugins
    return Facts(
        candidate=candidate,
        builder=Builder.GRADLE,
        directory=directory,
        module=candidate.directory.removeprefix(directory).strip("/"),
        boot=applied or any(group == gradle.BOOT_PLUGIN for group in build.groups),
        repackages=applied,
        boot_version=build.boot_version,
        actuator=build.uses(ACTUATOR),
        jdk=version,
        jdk_from=where,
        war="war" in build.plugins,
        native="org.graalvm.buildtools.native" in build.plugins,
        framework=_framework(build.groups),
    )


def _convention(files: Files, directory: str, script: gradle.Script) -> str | None:
    """The file of a convention plugin that the script applies, if it is in this build."""
    names = {f"{plugin}{ending}" for plugin in script.plugins for ending in (".gradle.kts", ".gradle")}
    prefix = f"{directory}/" if directory else ""
    return next((path for path in files.paths if path.startswith(prefix) and name(path) in names), None)


def _framework(groups: frozenset[str]) -> str:
    for prefix, framework in _OTHERS:
        if any(group == prefix or group.startswith(f"{prefix}.") for group in groups):
            return framework
    return ""
