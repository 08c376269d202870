"""Why an image was not built, read from what BuildKit says at the end of the log."""

from __future__ import annotations

import re

from infra.embedded.process.words import DISK_FULL, Failed

_STEP = re.compile(
    r"(?:executor failed running \[(?P<old>.*)\]|process \"(?P<new>.*)\" did not complete successfully): "
    r"exit code: (?P<code>\d+)"
)
_PREFIX = re.compile(r"#\d+ \d+\.\d+ ")
"""BuildKit's before each line that a step prints: its number, and seconds since it began."""
_NO_JAR = re.compile(_PREFIX.pattern + r"The build made no executable Spring Boot jar: none in (\S+) ", re.ASCII)
_NO_IMAGE = (
    "pull access denied",
    "failed to resolve source metadata",
    "failed to do request",
    "manifest unknown",
    "failed to authorize",
    "toomanyrequests",
)
_NO_ENGINE = ("Cannot connect to the Docker daemon", "error during connect", "error reading from server")
_UNREADABLE = ("dockerfile parse error", "failed to read dockerfile", "failed to parse stage name")
_WRAPPERS = re.compile(
    r"^(?:#\d+ )?(?:ERROR: |error: )?(?:failed to solve(?: with frontend \S+)?: |rpc error: code = \w+ desc = )*"
)
_TAIL = 400
"""Lines of the log's end that are looked at: BuildKit repeats the failed step's last output there."""


def why(log: str, code: int) -> Failed:
    """`code`: of the `docker` command."""
    lines = [line.strip() for line in log.splitlines()[-_TAIL:]]
    for line in reversed(lines):
        if "no space left on device" in line.lower():
            return DISK_FULL
        if found := _NO_JAR.match(line):
            return _no_jar(found[1])
    for line in reversed(lines):
        if (step := _STEP.search(line)) is not None:
            return _step_failed(step["old"] or step["new"], int(step["code"]))
        if _PREFIX.match(line):
            continue  # a step's own words
        if any(sign in line for sign in _NO_IMAGE):
            return _no_image(_bare(line))
        if any(sign in line for sign in _UNREADABLE):
            return Failed(
                "The Dockerfile can't be built.",
                f"Docker says: {_bare(line)}.",
                "Correct it, then deploy again; `docker build .` in the repository shows the same.",
                log=True,
            )
        if any(sign in line for sign in _NO_ENGINE):
            return Failed(
                "Docker went away during the build.",
                f"{_bare(line)}.",
                "Deploy again; Re-run on the check does.",
                log=True,
            )
    last = next((_bare(line) for line in reversed(lines) if line and not _PREFIX.match(line)), "")
    said = f"Docker says: {last}." if last else f"`docker build` ended with exit code {code}."
    return Failed("The image could not be built.", said, log=True)


def no_dockerfile(path: str) -> Failed:
    return Failed(
        f"`{path}` is not in the archive that GitHub makes of this commit.",
        "Perhaps `.gitattributes` leaves it out by `export-ignore`.",
        "Have it included, then deploy again.",
    )


def _step_failed(command: str, code: int) -> Failed:
    shown = command.removeprefix("/bin/sh -c ")
    shown = shown if len(shown) <= 120 else f"{shown[:117]}..."
    if code == 137:
        return Failed(
            "The build was killed.",
            f"`{shown}` ended with exit code 137: the machine ran out of memory, most likely.",
            "Lower the heap of the build (for example `-Xmx` in `.mvn/jvm.config`), or build on a larger machine.",
            log=True,
        )
    return Failed("The build failed.", f"`{shown}` ended with exit code {code}.", log=True)


def _no_jar(where: str) -> Failed:
    return Failed(
        "The build made no executable Spring Boot jar.",
        f"None of the archives in `{where}` has a `Start-Class` in its manifest.",
        "Add the Spring Boot plugin (`spring-boot-maven-plugin` with its `repackage` goal, or "
        "`org.springframework.boot`) to the module that is deployed.",
        log=True,
    )


def _no_image(line: str) -> Failed:
    return Failed(
        "A base image could not be fetched.",
        f"Docker says: {line}.",
        "If it exists and is public, deploy again; a private one can't be used: WhaleRay has no password for it.",
        log=True,
    )


def _bare(line: str) -> str:
    return _WRAPPERS.sub("", line).strip().rstrip(".")[:300]
