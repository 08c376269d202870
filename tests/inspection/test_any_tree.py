"""Whatever a repository holds, inspection ends in a plan or in a UserError, and asks for four files at most."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import UserError
from bot.inspection import inspect
from bot.inspection.dockerfile import injected_dockerfile, injected_dockerignore
from bot.inspection.files import usable
from bot.model import Builder, BuildPlan
from tests.inspection import layouts
from tests.inspection.repository import Repository
from tests.inspection.steps import instructions

NAMES = st.sampled_from(
    [
        ".whaleray.yml",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "settings.gradle",
        "gradle.properties",
        "gradle/libs.versions.toml",
        "Dockerfile",
        ".java-version",
        ".sdkmanrc",
        "system.properties",
        "mvnw",
        "src/main/java/a/ShopApplication.java",
        "src/main/resources/application.properties",
        "src/main/resources/application.yml",
        "src/main/AndroidManifest.xml",
        "buildSrc/src/main/kotlin/x.gradle.kts",
        "..",
        "",
        "a\nb",
        "`",
    ]
)
FOLDERS = st.sampled_from(["", "", "", "a/", "a/b/", "../", "`x`/", "a\n/", "-x/", "initial/", "complete/", "src/"])
PATHS = st.builds(str.__add__, FOLDERS, NAMES) | st.text(min_size=1, max_size=20)
SNIPPETS = st.sampled_from(
    [
        part.encode()
        for name in layouts.NAMES
        for part in (layouts.DIRECTORY / f"{name}.txt").read_text().split("\n-- ")[1:]
    ]
    + [
        b"<project>" * 2000,
        b"<project><properties><a>${b}${b}</a><b>${a}${a}</b></properties><parent><version>${a}</version></parent></project>",
        b"<project><modules><module>../../a</module><module>`x`</module></modules></project>",
        b"<?xml version='1.0' encoding='utf-7'?><project/>",
        b"<?xml version='1.0' encoding='nonsense'?><project/>",
        b"server:\n  port: " + b"9" * 5000,
        b"server.port=\xd9\xa1\xd9\xa2\nserver.servlet.context-path=\\ud800\\\n",
        b"server.port=${" * 3000,
        b"plugins { id 'org.springframework.boot' version '3.5.0' }\n" + b"'" * 3000,
        b"x = [" * 2000,
        b"FROM a\nEXPOSE 99999999999999999999 0 $X ${Y:-8} 1-2\n",
        b"path: a\ndockerfile: a/Dockerfile\n",
    ]
)
CONTENTS = SNIPPETS.map(lambda part: part.partition(b" --\n")[2] or part) | st.binary(max_size=200)
MODES = st.sampled_from(["100644", "100644", "100644", "100755", "120000", "160000", "040000"])


def decide(repository: Repository) -> BuildPlan | None:
    try:
        plan = asyncio.run(inspect(repository.tree, repository.read))
    except UserError as error:
        said = f"{error.what}{error.why}{error.mend}"
        assert "\n" not in said
        assert said.count("`") % 2 == 0
        return None
    return plan


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([*layouts.NAMES, ""]),
    st.dictionaries(PATHS, CONTENTS, max_size=6),
    st.dictionaries(PATHS, MODES, max_size=2),
    st.booleans(),
)
@example("", {".whaleray.yml": b"path: a\n", "a/pom.xml": b"\xff\xfe"}, {}, False)
def test_any_tree_and_any_bytes_end_in_a_plan_or_a_user_error(
    layout: str, others: dict[str, bytes], modes: dict[str, str], truncated: bool
) -> None:
    """A layout that means something, or none, with whatever else laid over it."""
    files, known_modes, _ = layouts.read(layout) if layout else ({}, {}, False)
    files |= others
    known_modes |= {path: mode for path, mode in modes.items() if path in files}
    repository = Repository(files, known_modes, truncated=truncated)
    plan = decide(repository)
    if plan is None:
        return
    assert BuildPlan.model_validate_json(plan.model_dump_json()) == plan
    assert usable(plan.directory)
    assert usable(plan.module)
    assert 1 <= plan.port <= 65535
    assert not any("\0" in word or "\n" in word for word in plan.command)
    assert plan.health.path is None or (plan.health.path.startswith("/") and plan.health.path.isprintable())
    assert not any("\n" in note for note in plan.notes)
    if plan.builder is not Builder.DOCKERFILE:
        names = [step.name for step in instructions(injected_dockerfile(plan))]
        assert set(names) == {"FROM", "COPY", "WORKDIR", "RUN", "ARG", "USER", "EXPOSE", "LABEL", "ENTRYPOINT"} | (
            set() if plan.wrapper else {"ENV"}
        )
        assert injected_dockerignore(plan)


@pytest.mark.parametrize(
    "hostile", [b"(" * 200_000, b"id '" * 60_000, b"<a " * 100_000, b"${" * 200_000, b"\\" * 300_000]
)
@pytest.mark.parametrize(
    "path", ["pom.xml", "build.gradle", "Dockerfile", "src/main/resources/application.properties", ".whaleray.yml"]
)
def test_a_file_made_to_be_slow_is_not(path: str, hostile: bytes) -> None:
    boot = b"plugins { id 'org.springframework.boot' version '3.5.0' }\n"
    files = {"build.gradle": boot, "src/main/java/ShopApplication.java": b"", path: hostile}
    before = time.process_time()
    decide(Repository(files))
    assert time.process_time() - before < 5, "seconds of CPU"


def test_a_hundred_thousand_files_are_looked_through_in_a_moment() -> None:
    files = {f"module{n // 100}/src/main/java/com/acme/deep/below/Class{n}.java": b"" for n in range(100_000)}
    files |= {"pom.xml": b"<project/>", "module7/pom.xml": b"<project/>"}
    before = time.process_time()
    assert decide(Repository(files)) is None
    assert time.process_time() - before < 10, "seconds of CPU"
