"""What a failed build says: what happened, why, and what to do."""

from __future__ import annotations


class Failed(Exception):
    """The build has an end, in words; `log`: whether the log holds the cause."""

    def __init__(self, what: str, why: str = "", mend: str = "", *, log: bool = False) -> None:
        super().__init__(what)
        self.failure = {"stage": "BUILDING", "what": what, "why": why, "mend": mend, "log": "build" if log else None}


DISK_FULL = Failed(
    "The disk is full.",
    "There is too little room left on this machine for the build.",
    "Whoever runs WhaleRay makes room on this machine; then deploy again.",
)
ENDED = Failed(
    "The build's process was ended.",
    "The machine was restarted, or something ended it.",
    "Deploy again; Re-run on the check does.",
    log=True,
)


def no_docker() -> Failed:
    return Failed(
        "This repository has a Dockerfile and no Maven or Gradle build.",
        "WhaleRay runs here with the process engine, which builds jars.",
        "Add a `pom.xml`, `build.gradle` or `build.gradle.kts` that builds the application, or have whoever runs "
        "WhaleRay use WHALERAY_ENGINE=docker.",
    )


def no_jdk(wanted: int, wanted_by: str) -> Failed:
    return Failed(
        f"No JDK {wanted} or newer is installed on this machine.",
        f"The repository asks for it ({wanted_by}).",
        f"Whoever runs WhaleRay installs it with: apt install openjdk-{wanted}-jdk-headless",
    )


def no_tool(tool: str) -> Failed:
    wrapper = "mvn wrapper:wrapper" if tool == "mvn" else "gradle wrapper"
    return Failed(
        f"`{tool}` is not installed on this machine.",
        "The repository has no wrapper of its own.",
        f"Commit a wrapper (`{wrapper}` makes one), then deploy again.",
    )


def no_wrapper(wrapper: str) -> Failed:
    return Failed(
        f"`{wrapper}` is not in the archive that GitHub makes of this commit.",
        "Perhaps `.gitattributes` leaves it out by `export-ignore`.",
        "Have it included, then deploy again.",
    )


def no_directory(directory: str) -> Failed:
    return Failed(
        f"`{directory}` is not in the archive that GitHub makes of this commit.",
        "Perhaps `.gitattributes` leaves it out by `export-ignore`, or it is a symlink that leads elsewhere.",
        "Have it included, then deploy again.",
    )


def no_source(why: str) -> Failed:
    return Failed(
        "The source could not be fetched from GitHub.",
        f"{why[:1].upper()}{why[1:]}.",
        "Deploy again; Re-run on the check does.",
    )


def no_jar(looked: int, where: str) -> Failed:
    return Failed(
        "The build made no executable Spring Boot jar.",
        f"Of {looked} archives in `{where}` none has a `Start-Class` in its manifest.",
        "Add the Spring Boot plugin (`spring-boot-maven-plugin` with its `repackage` goal, or "
        "`org.springframework.boot`) to the module that is deployed.",
        log=True,
    )


def took_too_long(seconds: float) -> Failed:
    return Failed(
        "The build took too long.",
        f"It was ended after {seconds:g} s.",
        "The log's end shows what it was waiting for.",
        log=True,
    )


def out_of_memory(limit: int) -> Failed:
    return Failed(
        "The build ran out of memory.",
        f"It may use {limit >> 20} MB.",
        "Lower the heap of the build (for example `-Xmx` in `.mvn/jvm.config`), or build on a larger machine.",
        log=True,
    )


def build_failed(command: str, code: int) -> Failed:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return Failed("The build failed.", f"`{command}` ended with {how}.", log=True)
