"""What the build files of one candidate say, for Maven and for Gradle alike."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, replace

from bot.inspection import catalog, gradle, jdk, pom, properties
from bot.inspection.candidates import Candidate
from bot.inspection.files import Files, join, name, normalised, parent, show
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
    elsewhere: str = ""
    """What may bring Spring Boot though it isn't named here, in words."""
    gradle: gradle.Build | None = None


def read(files: Files, candidate: Candidate) -> Generator[str, bytes, Facts]:
    if name(candidate.build_file) == "pom.xml":
        return (yield from _maven(files, candidate))
    return (yield from _gradle(files, candidate))


def settled(files: Files, facts: Facts) -> Generator[str, bytes, Facts]:
    """With `gradle.properties`, where a version is a variable that no script sets and a read is left."""
    if facts.gradle is None:
        return facts
    unknown = not facts.boot_version or (facts.jdk and jdk.major(facts.jdk) is None)
    path = join(facts.directory, "gradle.properties")
    text = yield from files.text(path if unknown else None)
    if text is None:
        return facts
    return _gradle_facts(facts.candidate, facts.directory, facts.gradle.with_properties(properties.pairs(text)))


def _ancestors(directory: str) -> list[str]:
    """From the root down, the directory itself left out."""
    found = []
    while directory:
        directory = parent(directory)
        found.append(directory)
    return found[::-1]


def _maven(files: Files, candidate: Candidate) -> Generator[str, bytes, Facts]:
    own = pom.parse((yield from files.read(candidate.build_file)) or b"", candidate.build_file)
    chain = [own]
    above = _parent_path(files, candidate.directory, own)
    if above and (content := (yield from files.read(above))) is not None:
        chain.append(pom.parse(content, above))
    directory = yield from _reactor(files, candidate, above, chain)
    return _maven_facts(candidate, directory, pom.Project(tuple(chain)))


def _parent_path(files: Files, directory: str, own: pom.Pom) -> str | None:
    """The parent's POM, when it is in this repository."""
    if not own.parent or own.parent == pom.BOOT_PARENT or not own.parent_local:
        return None
    path = normalised(directory, own.parent_path or "../pom.xml")
    if path is None:
        return None
    return files.first([path, join(path, "pom.xml")])


def _reactor(files: Files, candidate: Candidate, above: str | None, chain: list[pom.Pom]) -> Generator[str, bytes, str]:
    """Where the build begins: the outermost POM that counts the candidate among its modules, else its own."""
    outermost = next((each for each in _ancestors(candidate.directory) if join(each, "pom.xml") in files), None)
    if outermost is None:
        return candidate.directory
    path = join(outermost, "pom.xml")
    if path == above:
        root = chain[1]
    elif files.left > 1 or above is None:
        content = yield from files.read(path)
        if content is None:
            return candidate.directory
        root = pom.parse(content, path)
        if above and _parent_path(files, parent(above), chain[1]) == path:
            chain.append(root)
    else:
        return outermost  # its parent is in the repository, so it is nearly always built with it
    below = candidate.directory.removeprefix(outermost).strip("/")
    listed = any(below == module or below.startswith(f"{module}/") for module in root.modules)
    return outermost if listed else candidate.directory


def _maven_facts(candidate: Candidate, directory: str, project: pom.Project) -> Facts:
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
        war=project.pom.packaging == "war",
        native="org.graalvm.buildtools:native-maven-plugin" in project.plugins,
        framework=_framework(project.groups()),
        elsewhere=f"its parent {show(outer)}" if elsewhere else "",
    )


def _gradle(files: Files, candidate: Candidate) -> Generator[str, bytes, Facts]:
    directory = _settings_directory(files, candidate.directory)
    text = yield from files.text(candidate.build_file)
    own = [gradle.parse(text or "")]
    named = catalog.NOTHING
    if own[0].aliases or own[0].libraries:
        toml = yield from files.text(join(directory, "gradle/libs.versions.toml"))
        named = catalog.parse(toml or "")
    build = gradle.Build(tuple(own), None, named)
    if gradle.BOOT_PLUGIN not in build.plugins and (path := _convention(files, directory, own[0])):
        own.append(gradle.parse((yield from files.text(path)) or ""))
        build = gradle.Build(tuple(own), None, named)
    known = gradle.BOOT_PLUGIN in build.plugins and build.boot_version and build.jdk[0] and build.uses(ACTUATOR)
    if directory != candidate.directory and not known:
        path = files.first(join(directory, script) for script in gradle.SCRIPTS)
        outer = yield from files.text(path)
        build = gradle.Build(tuple(own), None if outer is None else gradle.parse(outer), named)
    facts = _gradle_facts(candidate, directory, build)
    if facts.boot is False and _own_plugins(files, directory) and build.foreign:
        return replace(facts, boot=None, repackages=None, elsewhere=f"its plugin {show(sorted(build.foreign)[0])}")
    return facts


def _settings_directory(files: Files, directory: str) -> str:
    """Where the build begins: the nearest directory with settings, else the project's own."""
    for each in (directory, *reversed(_ancestors(directory))):
        if files.first(join(each, settings) for settings in gradle.SETTINGS):
            return each
    return directory


def _gradle_facts(candidate: Candidate, directory: str, build: gradle.Build) -> Facts:
    version, where = build.jdk
    applied = gradle.BOOT_PLUGIN in build.plugins
    return Facts(
        candidate=candidate,
        builder=Builder.GRADLE,
        directory=directory,
        module=candidate.directory.removeprefix(directory).strip("/"),
        boot=applied or gradle.BOOT_PLUGIN in build.groups,
        repackages=applied,
        boot_version=build.boot_version,
        actuator=build.uses(ACTUATOR),
        jdk=version,
        jdk_from=where,
        war="war" in build.plugins,
        native="org.graalvm.buildtools.native" in build.plugins,
        framework=_framework(build.groups),
        gradle=build,
    )


def _own_plugins(files: Files, directory: str) -> bool:
    """Whether the build has plugins of its own, that may apply others."""
    prefix = f"{directory}/" if directory else ""
    return any(
        path.startswith(prefix)
        and re.match(r"(?:buildSrc|build-logic|build-?plugins?|gradle/plugins?)/", path[len(prefix) :])
        for path in files.paths
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
