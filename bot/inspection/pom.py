"""What a `pom.xml` says that matters for building and running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.errors import UserError
from bot.inspection.config import ConfigError
from bot.inspection.files import show

BOOT = "org.springframework.boot"
BOOT_PARENT = f"{BOOT}:spring-boot-starter-parent"
BOOT_BOM = f"{BOOT}:spring-boot-dependencies"
BOOT_PLUGIN = f"{BOOT}:spring-boot-maven-plugin"
_PLACEHOLDER = re.compile(r"\$\{([^${}]{1,200})\}")
_LONGEST = 200
"""A version or a number is short; properties that multiply are cut off here."""


@dataclass(frozen=True)
class Pom:
    """Coordinates are `group:artifact`; versions as written, placeholders and all."""

    parent: str = ""
    parent_version: str = ""
    parent_local: bool = True
    """False: `<relativePath/>` says that the parent comes from a repository."""
    parent_path: str = ""
    """`<relativePath>`; "" for the usual `../pom.xml`."""
    packaging: str = "jar"
    properties: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    dependencies: Mapping[str, str] = field(default_factory=dict)
    """Of the project itself, profiles included; not the managed ones."""
    managed: Mapping[str, str] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    """That run, profiles included; not the merely managed ones."""
    managed_plugins: Mapping[str, str] = field(default_factory=dict)
    compiler: Mapping[str, str] = field(default_factory=dict)
    """`release`, `target`, `source` of the compiler plugin, `toolchain` of the toolchains plugin."""


def parse(content: bytes, path: str) -> Pom:
    """UserError, at its line where that is known, when it is no POM."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except ParseError as error:
        raise ConfigError(
            f"{show(path)} is not well-formed XML.",
            f"{str(error).partition(':')[0].capitalize()} at line {error.position[0]}.",
            "Mend it (`mvn validate` shows the same error), then push again.",
            path=path,
            line=error.position[0],
        ) from error
    except DefusedXmlException as error:
        raise UserError(
            f"{show(path)} has a document type or entities of its own.",
            "They can expand without bound, so WhaleRay doesn't read them.",
            "Write the values out and remove the `<!DOCTYPE>`.",
        ) from error
    except (ValueError, LookupError) as error:
        raise UserError(
            f"{show(path)} can't be read.", "Its encoding is unknown.", "Save it as UTF-8, then push again."
        ) from error
    if _tag(root) != "project":
        raise UserError(
            f"{show(path)} is not a Maven project.", "Its root element isn't `<project>`.", "Rename or mend it."
        )
    return _pom(root)


def _pom(root: Element) -> Pom:
    scopes = [root, *_children(root, "profiles", "profile")]
    parent = next(iter(_children(root, "parent")), None)
    builds = [build for scope in scopes for build in _children(scope, "build")]
    plugins = [plugin for build in builds for plugin in _children(build, "plugins", "plugin")]
    managed_plugins = [
        plugin for build in builds for plugin in _children(build, "pluginManagement", "plugins", "plugin")
    ]
    own_modules = [*_children(root, "modules", "module"), *_children(root, "subprojects", "subproject")]
    for profile in _children(root, "profiles", "profile"):
        if any(_text(on, "activeByDefault") == "true" for on in _children(profile, "activation")):
            own_modules += _children(profile, "modules", "module")
    return Pom(
        parent=_coordinates(parent) if parent is not None else "",
        parent_version=_text(parent, "version") if parent is not None else "",
        parent_local=parent is None or not any(not (e.text or "").strip() for e in _children(parent, "relativePath")),
        parent_path=_text(parent, "relativePath") if parent is not None else "",
        packaging=_text(root, "packaging") or "jar",
        properties={_tag(e): (e.text or "").strip() for group in _children(root, "properties") for e in group},
        modules=tuple(filter(None, ((m.text or "").strip().strip("/") for m in own_modules))),
        dependencies={
            _coordinates(d): _text(d, "version")
            for scope in scopes
            for d in _children(scope, "dependencies", "dependency")
        },
        managed={
            _coordinates(d): _text(d, "version")
            for scope in scopes
            for d in _children(scope, "dependencyManagement", "dependencies", "dependency")
        },
        plugins={_coordinates(p, "org.apache.maven.plugins"): _text(p, "version") for p in plugins},
        managed_plugins={_coordinates(p, "org.apache.maven.plugins"): _text(p, "version") for p in managed_plugins},
        compiler=dict(_compiler([*managed_plugins, *plugins])),
    )


def _compiler(plugins: list[Element]) -> Iterator[tuple[str, str]]:
    for plugin in plugins:
        configurations = [
            *_children(plugin, "configuration"),
            *_children(plugin, "executions", "execution", "configuration"),
        ]
        match _text(plugin, "artifactId"):
            case "maven-compiler-plugin":
                for configuration in configurations:
                    for key in ("source", "target", "release"):
                        if value := _text(configuration, key):
                            yield key, value
            case "maven-toolchains-plugin":
                for configuration in configurations:
                    for jdk in _children(configuration, "toolchains", "jdk"):
                        if value := _text(jdk, "version"):
                            yield "toolchain", value


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Element, *names: str) -> list[Element]:
    found = [element]
    for name in names:
        found = [child for each in found for child in each if _tag(child) == name]
    return found


def _text(element: Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _tag(child) == name), "")


def _coordinates(element: Element, group: str = "") -> str:
    return f"{_text(element, 'groupId') or group}:{_text(element, 'artifactId')}"


class Project:
    """A POM and those it inherits from, as far as they are in the repository; the nearest first."""

    def __init__(self, chain: tuple[Pom, ...]) -> None:
        self.chain = chain
        self.pom = chain[0]
        self._properties = {key: value for pom in reversed(chain) for key, value in pom.properties.items()}

    @property
    def outer_parent(self) -> str:
        """The parent that the chain's last POM has, somewhere else; "" when it has none."""
        return self.chain[-1].parent

    def value(self, text: str) -> str:
        """With placeholders replaced as far as they are known here."""
        for _ in range(10):
            replaced = _PLACEHOLDER.sub(lambda found: self._properties.get(found[1], found[0]), text[:_LONGEST])
            if replaced == text:
                break
            text = replaced
        return text[:_LONGEST]

    def setting(self, *names: str) -> tuple[str, str]:
        """The first of these properties that is set: its name and value."""
        for name in names:
            if name in self._properties:
                return name, self.value(self._properties[name])
        return "", ""

    @property
    def dependencies(self) -> frozenset[str]:
        return frozenset(self.value(each) for pom in self.chain for each in pom.dependencies)

    @property
    def plugins(self) -> frozenset[str]:
        return frozenset(self.value(each) for pom in self.chain for each in pom.plugins)

    def groups(self) -> frozenset[str]:
        """Every group that is named anywhere: parents, imports, dependencies, plugins."""
        named = [pom.parent for pom in self.chain]
        for pom in self.chain:
            named += [*pom.dependencies, *pom.managed, *pom.plugins, *pom.managed_plugins]
        return frozenset(self.value(each).partition(":")[0] for each in named)

    @property
    def boot_version(self) -> str:
        """As far as the files read here say it, else ""."""
        for pom in self.chain:
            candidates = [
                pom.parent_version if pom.parent == BOOT_PARENT else "",
                pom.managed.get(BOOT_BOM, ""),
                pom.plugins.get(BOOT_PLUGIN, ""),
                pom.managed_plugins.get(BOOT_PLUGIN, ""),
                *(version for name, version in pom.dependencies.items() if name.startswith(f"{BOOT}:")),
            ]
            for candidate in candidates:
                if re.match(r"\d+\.\d+", version := self.value(candidate)):
                    return version
        _, version = self.setting("spring-boot.version", "spring.boot.version", "springboot.version")
        return version if re.match(r"\d+\.\d+", version) else ""

    @property
    def has_plugin(self) -> bool:
        return BOOT_PLUGIN in self.plugins

    @property
    def has_boot(self) -> bool:
        return BOOT in self.groups()

    @property
    def jdk(self) -> tuple[str, str]:
        """What is asked for and where it says so, both as written; "" when nothing does."""
        for key, where in (("toolchain", "the Maven toolchain"), ("release", "maven-compiler-plugin")):
            for pom in self.chain:
                if key in pom.compiler:
                    return self.value(pom.compiler[key]), where
        name, version = self.setting(
            "maven.compiler.release", "java.version", "maven.compiler.target", "maven.compiler.source"
        )
        if version:
            return version, f"`{name}`"
        for key in ("target", "source"):
            for pom in self.chain:
                if key in pom.compiler:
                    return self.value(pom.compiler[key]), "maven-compiler-plugin"
        name, version = self.setting("kotlin.compiler.jvmTarget")
        return version, f"`{name}`" if version else ""
