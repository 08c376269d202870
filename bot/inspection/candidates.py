"""Which directory holds the application: by the tree alone, before any file is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.inspection.files import Files, join, name, parent

BUILD_FILES = ("pom.xml", "build.gradle", "build.gradle.kts")
"""In the order in which they win."""

_SKIPPED = re.compile(
    r"(?:src|test|tests|node_modules|target|build|out|buildSrc|build-logic|gradle|vendor|\..*)", re.DOTALL
)
_MAIN = re.compile(r"(.*/)?src/main/(?:java|kotlin|groovy)/.*?([^/]+)\.(?:java|kt|groovy)", re.DOTALL)
_APPLICATION = re.compile(r".*Application(?:Kt)?")
_OTHER_MAIN = re.compile(r".*(?:App|Main|Launcher|Bootstrap|Starter|Server)(?:Kt)?")
_SETTINGS = re.compile(
    r"(.*/)?src/main/resources/(?:config/)?(?:application|bootstrap)(?:-[^/]*)?\.(?:properties|ya?ml)", re.DOTALL
)
_MANIFEST = re.compile(r"(.*/)?src/(?:main/)?AndroidManifest\.xml|(.*/)?AndroidManifest\.xml", re.DOTALL)


@dataclass(frozen=True)
class Candidate:
    """A directory with a build file."""

    directory: str
    build_file: str
    score: int
    """How much of an application there is: 4 a main class or settings, 5 or 8 both; 1 sources; 0 nothing."""


@dataclass
class _Evidence:
    application: bool = False
    settings: bool = False
    other_main: bool = False
    sources: bool = False

    @property
    def score(self) -> int:
        return 4 * self.application + 4 * self.settings + 2 * self.other_main + self.sources


@dataclass(frozen=True)
class Found:
    candidates: tuple[Candidate, ...]
    """Best first, then by name."""
    android: tuple[str, ...] = ()
    """Directories of Android modules, which are no candidates."""
    looked_in: int = 0
    """How many directories a build file was looked for in, the root not counted."""
    best: tuple[Candidate, ...] = field(default=())
    """Those that nothing tells apart."""


def guide_directories(within: str) -> tuple[str, ...]:
    """Those of Spring's guides: what there is to run, then the same in Kotlin and what a reader starts from."""
    return tuple(join(within, each) for each in ("complete", "complete-kotlin", "initial", "initial-kotlin"))


def find(files: Files, within: str = "") -> Found:
    """Of the directories under `within` (itself included)."""
    inside = [path for path in files.paths if not within or path.startswith(f"{within}/")]
    android = {
        next((g for g in found.groups() if g), "").rstrip("/") for p in inside if (found := _MANIFEST.fullmatch(p))
    }
    evidence = _evidence(inside)
    candidates = []
    for directory in sorted({parent(path) for path in inside if name(path) in BUILD_FILES}):
        if directory in android or _skipped(directory.removeprefix(within).strip("/")):
            continue
        build_file = files.first(join(directory, each) for each in BUILD_FILES)
        if build_file:
            candidates.append(Candidate(directory, build_file, evidence.get(directory, _Evidence()).score))
    candidates.sort(key=lambda each: (-each.score, each.directory))
    return Found(
        candidates=tuple(candidates),
        android=tuple(sorted(android)),
        looked_in=sum(1 for each in files.directories if not _skipped(each)),
        best=tuple(each for each in candidates if each.score == candidates[0].score),
    )


def _skipped(directory: str) -> bool:
    return any(_SKIPPED.fullmatch(part) for part in directory.split("/") if part)


def _evidence(paths: list[str]) -> dict[str, _Evidence]:
    found: dict[str, _Evidence] = {}
    for path in paths:
        if match := _MAIN.fullmatch(path):
            here = found.setdefault((match[1] or "").rstrip("/"), _Evidence())
            here.sources = True
            here.application |= bool(_APPLICATION.fullmatch(match[2]))
            here.other_main |= bool(_OTHER_MAIN.fullmatch(match[2]))
        elif match := _SETTINGS.fullmatch(path):
            found.setdefault((match[1] or "").rstrip("/"), _Evidence()).settings = True
    return found
