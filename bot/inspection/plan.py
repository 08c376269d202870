"""The decision: from a tree, and at most four of its files, to a `BuildPlan`. Pure; who drives it reads the files."""

from __future__ import annotations

from collections.abc import Generator

from bot.errors import UserError
from bot.inspection import candidates, config, jdk, own_dockerfile, refusals, runtime, systems
from bot.inspection.assemble import Parts, assemble, boot_numbers, dockerfile_alone
from bot.inspection.candidates import Candidate, Found, guide_directories
from bot.inspection.config import Configuration
from bot.inspection.files import Files, join, show, usable
from bot.inspection.own_dockerfile import OwnDockerfile
from bot.inspection.systems import Facts
from bot.model import Builder, BuildPlan
from bot.ports import Tree

FIRST_BOOT_ON_17 = (2, 5)
AN_APPLICATION = 4
"""The score from which a candidate has a main class or settings."""

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
        own = yield from _read_dockerfile(files, dockerfile)
        return dockerfile_alone(wanted, dockerfile or "", own)
    if dockerfile is None and wanted.dockerfile is None and (beside := join(facts.directory, "Dockerfile")) in files:
        dockerfile = beside
    own = yield from _read_dockerfile(files, dockerfile)
    running = yield from runtime.read(files, facts.candidate.directory, old=facts.boot_version.startswith("1."))
    facts = yield from systems.settled(files, facts)
    version, version_from = yield from _jdk(files, wanted, facts)
    return assemble(files, wanted, facts, Parts(dockerfile, own, running, version, version_from))


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
    try:
        chosen = _chosen(files, found, within)
    except UserError:
        if dockerfile:
            return None  # whatever there is to choose from, the Dockerfile has chosen
        raise
    read: list[Facts] = []
    for candidate in chosen:
        if not usable(candidate.directory):
            raise refusals.unusable(candidate.directory)
        read.append((yield from systems.read(files, candidate)))
    applications = [each for each in read if each.boot is not False and each.repackages is not False]
    applications = applications or [each for each in read if _repackageable(each)]
    if len(applications) > 1 and not dockerfile:
        raise refusals.several(tuple(each.candidate for each in applications))
    if len(applications) == 1 and (applications[0].boot or chosen[0].score >= AN_APPLICATION):
        return applications[0]
    if dockerfile:
        return None
    if found.android:
        raise refusals.android(found.android[0])
    facts = read[0]
    raise refusals.not_executable(facts) if facts.boot and not facts.framework else refusals.not_boot(facts)


def _repackageable(facts: Facts) -> bool:
    """Whether the build can be told to make the jar executable, as `spring-boot:run` needs no plugin in the POM either.

    Not in a reactor: a goal on the command line runs in each of its modules, and fails in a library.
    """
    return (
        facts.builder is Builder.MAVEN
        and facts.boot is True
        and facts.repackages is False
        and not facts.module
        and facts.candidate.score >= AN_APPLICATION
        and boot_numbers(facts.boot_version) is not None
    )


def _chosen(files: Files, found: Found, within: str) -> tuple[Candidate, ...]:
    """One, or two that only their build files can tell apart."""
    at_root = next((each for each in found.candidates if each.directory == within), None)
    if at_root and (at_root.score or files.truncated or not found.best[0].score):
        return (at_root,)
    if files.truncated and not within:
        raise refusals.truncated()
    guide = guide_directories(within)
    complete = next((each for each in found.best if each.directory == guide[0]), None)
    if complete and all(each.directory in guide for each in found.best):
        return (complete,)
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
    if (boot := boot_numbers(facts.boot_version)) and boot < FIRST_BOOT_ON_17:
        return jdk.OLDEST, f"Spring Boot {boot[0]}.{boot[1]}'s own default"
    return jdk.DEFAULT, "default"
