"""What a Gradle build script says, by careful reading: it is a program, and WhaleRay doesn't run it to look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bot.inspection.catalog import NOTHING, Catalog

BOOT_PLUGIN = "org.springframework.boot"
SCRIPTS = ("build.gradle", "build.gradle.kts")
SETTINGS = ("settings.gradle", "settings.gradle.kts")
_LONGEST = 256 * 1024
_CORE = frozenset({"java", "java-library", "application", "groovy", "war", "idea", "eclipse", "jacoco", "checkstyle"})
_USUAL = ("org.jetbrains.kotlin", "io.spring.dependency-management", "com.diffplug.", "org.graalvm.")
_GAP = re.compile(r"\s{16,}")
"""Longer white space is one blank or line end: the patterns below take time by the square of it."""
_QUOTES = ('"""', "'''", '"', "'")

_ID = re.compile(
    r"""\bid\s*\(?\s*["']([\w.-]{1,200})["'][ \t]*\)?"""
    r"""(?:[ \t]*\.?version[ \t]*\(?[ \t]*["']?([^"'\s)]{1,100}))?([^\n;]{0,80})"""
)
_APPLY = re.compile(
    r"""\bapply\s*\(?\s*plugin\s*[:=]\s*(?:["']([\w.-]{1,200})["']|(?:rootProject\.)?libs\.plugins\.([\w.]{1,200})\.get\b)"""
)
_KOTLIN = re.compile(r"""\bkotlin\s*\(\s*["']([\w.-]{1,100})["']\s*\)""")
_ALIAS = re.compile(r"""\balias\s*\(?\s*(\w+)\.plugins\.([\w.]{1,200})[ \t]*\)?([^\n;]{0,80})""")
_BARE = re.compile(r"^\s*(war|java|application|groovy|`[\w.-]{1,200}`)\s*$", re.MULTILINE)
_LIBRARY = re.compile(r"\b(?:\w{1,40}L|l)ibs\.((?!plugins\b|versions\b)[a-zA-Z][\w.]{1,200})")
_CLASSPATH = re.compile(r"""org\.springframework\.boot:spring-boot-gradle-plugin:([^"']{1,100})""")
_BOM = re.compile(r"""org\.springframework\.boot:spring-boot-dependencies:([^"']{1,100})""")
_COORDINATES = re.compile(r"""["']([\w.-]{1,100}):([\w.-]{1,100})(?::[^"'\n]{0,100})?["']""")
_ASSIGNED = re.compile(
    r"""(?:^|[\s{;.])(\w{1,100})(?:\s*:\s*\w+)?\s*(?:=|\.set\()\s*["']?([^"'\s;)]{1,100})|\bset\s*\(\s*["'](\w{1,100})["']\s*,\s*["']([^"']{1,100})"""
)
_EXTRA = re.compile(r"""\bextra\s*\[\s*["'](\w{1,100})["']\s*\]\s*=\s*["']([^"']{1,100})""")
_BY_EXTRA = re.compile(r"""\bval\s+(\w{1,100})\s+by\s+extra\s*[({]\s*["']?([^"'\s)}]{1,100})""")
_JDK = (
    (re.compile(r"JavaLanguageVersion\s*\.\s*of\s*\(([^\n;]{1,100})"), "the Gradle toolchain"),
    (re.compile(r"\bjvmToolchain\s*\(\s*([^()\n{]{1,100})"), "the Kotlin toolchain"),
    (re.compile(r"\boptions\.release\s*(?:=|\.set\()\s*([^\n;)]{1,100})"), "`options.release`"),
    (
        re.compile(r"\b(?:targetCompatibility|sourceCompatibility)\s*(?:=|\s)\s*([^\n;]{1,100})"),
        "`sourceCompatibility`",
    ),
    (re.compile(r"\bjvmTarget\s*(?:=|\.set\()\s*([^\n;]{1,100})"), "`jvmTarget`"),
)


@dataclass(frozen=True)
class Script:
    """One build script. Versions and the like as written."""

    text: str
    plugins: Mapping[str, str] = field(default_factory=dict)
    """Of the `plugins` block: id -> version, "" when another file has it."""
    offered: frozenset[str] = frozenset()
    """Those with `apply false`."""
    applied: frozenset[str] = frozenset()
    """Those of `apply plugin:`, which a `subprojects` block may hold; a catalog's as `libs.plugins.x`."""
    aliases: Mapping[str, bool] = field(default_factory=dict)
    """The version catalog's plugins that are used, by accessor: whether applied."""
    libraries: frozenset[str] = frozenset()
    """The version catalog's accessors that are used: `spring.boot.starter.web`."""
    coordinates: frozenset[str] = frozenset()
    """Every `group:artifact` that is named."""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def subprojects(self) -> bool:
        """Whether it configures other projects."""
        return bool(re.search(r"\b(?:subprojects|allprojects)\b", self.text))


def parse(text: str) -> Script:
    text = _GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", without_comments(text[:_LONGEST]))
    plugins: dict[str, str] = {}
    offered: set[str] = set()
    for found in _ID.finditer(text):
        plugins[found[1]] = found[2] or ""
        if re.search(r"\bapply\s*\(?\s*false", found[3]):
            offered.add(found[1])
    for found in _KOTLIN.finditer(text):
        plugins.setdefault(f"org.jetbrains.kotlin.{found[1]}", "")
    for found in _BARE.finditer(text):
        plugins.setdefault(found[1].strip("`"), "")
    return Script(
        text=text,
        plugins=plugins,
        offered=frozenset(offered),
        applied=frozenset(f[1] or f"libs.{f[2]}" for f in _APPLY.finditer(text)),
        aliases={f[2]: not re.search(r"\bapply\s*\(?\s*false", f[3]) for f in _ALIAS.finditer(text)},
        libraries=frozenset(f[1].removesuffix(".get") for f in _LIBRARY.finditer(text)),
        coordinates=frozenset(f"{f[1]}:{f[2]}" for f in _COORDINATES.finditer(text)),
        values=dict(_values(text)),
    )


def without_comments(text: str) -> str:
    """Comments become a blank; what looks like one inside a string stays."""
    kept: list[str] = []
    position, start = 0, 0
    while position < len(text):
        two = text[position : position + 2]
        if two in ("//", "/*"):
            kept.append(text[start:position])
            end = text.find("\n" if two == "//" else "*/", position + 2)
            position = len(text) if end < 0 else end + (0 if two == "//" else 2)
            start = position
            kept.append(" ")
        elif quote := next((q for q in _QUOTES if text.startswith(q, position)), None):
            position = _end_of_string(text, position + len(quote), quote)
        else:
            position += 1
    kept.append(text[start:])
    return "".join(kept)


def _end_of_string(text: str, position: int, quote: str) -> int:
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text.startswith(quote, position):
            return position + len(quote)
        elif text[position] == "\n" and len(quote) == 1:
            return position  # a string that never ended: an apostrophe in something that is no string
        else:
            position += 1
    return len(text)


def _values(text: str) -> Iterator[tuple[str, str]]:
    for pattern in (_ASSIGNED, _EXTRA, _BY_EXTRA):
        for found in pattern.finditer(text):
            groups = [group for group in found.groups() if group]
            if len(groups) == 2:
                yield groups[0], groups[1]


NO_PROPERTIES: Mapping[str, str] = {}


class Build:
    """A project's script, the convention plugins it applies, the root's script around it, the version catalog."""

    def __init__(
        self,
        own: tuple[Script, ...],
        outer: Script | None = None,
        catalog: Catalog = NOTHING,
        properties: Mapping[str, str] = NO_PROPERTIES,
    ) -> None:
        self.scripts = (*own, outer) if outer else own
        self.catalog = catalog
        self._own = own
        self._outer = outer
        self._values = dict(properties)
        for script in reversed(self.scripts):
            self._values |= script.values

    @property
    def plugins(self) -> frozenset[str]:
        """What is applied to this project; `apply false` and the root's own plugins are not."""
        found: set[str] = set()
        for script in self._own:
            found |= script.plugins.keys() - script.offered
            found |= {self._aliased(accessor) for accessor, applied in script.aliases.items() if applied}
            found |= script.applied
        if self._outer and self._outer.subprojects:
            found |= self._outer.applied
        return frozenset(self._aliased(name[5:]) if name.startswith("libs.") else name for name in found)

    @property
    def foreign(self) -> frozenset[str]:
        """Plugins that are neither Gradle's own nor usual: they may apply any other."""
        return frozenset(name for name in self.plugins if name not in _CORE and not name.startswith(_USUAL))

    def with_properties(self, properties: Mapping[str, str]) -> Build:
        """The same, knowing these of `gradle.properties` too."""
        return Build(self._own, self._outer, self.catalog, properties)

    def _aliased(self, accessor: str) -> str:
        """The plugin's id; by its usual alias where the catalog was not read."""
        if accessor in self.catalog.plugins:
            return self.catalog.plugins[accessor][0]
        usual = accessor.lower().replace(".", "")
        return BOOT_PLUGIN if usual in ("springboot", "boot", "orgspringframeworkboot") else accessor

    @property
    def boot_version(self) -> str:
        for script in self.scripts:
            candidates = [script.plugins.get(BOOT_PLUGIN, "")]
            candidates += [
                v for a in script.aliases for n, v in [self.catalog.plugins.get(a, ("", ""))] if n == BOOT_PLUGIN
            ]
            candidates += [found[1] for pattern in (_CLASSPATH, _BOM) for found in pattern.finditer(script.text)]
            for candidate in candidates:
                if re.match(r"\d+\.\d+", version := self.value(candidate)):
                    return version
        for name in ("springBootVersion", "spring_boot_version", "springBoot", "spring-boot", "spring.boot"):
            version = self._values.get(name, "") or self.catalog.versions.get(name, "")
            if re.match(r"\d+\.\d+", version):
                return version
        return ""

    def value(self, text: str) -> str:
        """With a variable, a property or a catalog's version put in its place."""
        text = text.strip().strip("\"'")
        if found := re.search(r"\blibs\.versions\.([\w.]{1,200}?)(?:\.get\b|\.asProvider\b|$|\))", text):
            return self.catalog.versions.get(found[1], text)
        if found := re.search(r"\$\{?\s*(?:property\s*\(\s*[\"'])?(\w{1,100})", text):
            return self._values.get(found[1], text)
        if found := re.search(
            r"(?:property|extra|getProperty|findProperty|gradleProperty)\s*[(\[]\s*[\"'](\w{1,100})", text
        ):
            return self._values.get(found[1], text)
        if found := re.match(r"(?:ext\.|project\.|rootProject\.|extra\.)?([A-Za-z_]\w{0,99})\b", text):
            return self._values.get(found[1], text)
        return text

    @property
    def jdk(self) -> tuple[str, str]:
        """What is asked for and where it says so; "" when nothing does."""
        for pattern, where in _JDK:
            for script in self.scripts:
                if found := pattern.search(script.text):
                    return self.value(found[1]), where
        return "", ""

    def uses(self, artifact: str) -> bool:
        """Whether a dependency on it is declared, directly or by the catalog."""
        for script in self.scripts:
            if any(name.endswith(f":{artifact}") for name in script.coordinates):
                return True
            for accessor in script.libraries:
                module, _ = self.catalog.libraries.get(accessor, ("", ""))
                if module.endswith(f":{artifact}") or (not module and accessor.endswith(artifact.replace("-", "."))):
                    return True
        return False

    @property
    def groups(self) -> frozenset[str]:
        found = {name.partition(":")[0] for script in self.scripts for name in script.coordinates}
        return frozenset(found) | self.plugins
