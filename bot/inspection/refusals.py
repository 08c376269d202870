"""Why there is no plan, in words: what was looked for, and what to add."""

from __future__ import annotations

from bot.errors import UserError
from bot.inspection.candidates import BUILD_FILES, Candidate, Found
from bot.inspection.files import Files, name, parent, show, show_all, usable
from bot.inspection.systems import Facts

LOOKED_FOR = "Looked for `pom.xml`, `build.gradle(.kts)` and `Dockerfile`"


def empty() -> UserError:
    return UserError(
        "This commit has no files.", "There is nothing to build.", "Push a Spring Boot application, then deploy again."
    )


def path_absent(files: Files, path: str) -> UserError:
    if path in files.submodules:
        return submodule(path)
    if files.symlink(path):
        why = "It is a symbolic link, and WhaleRay follows none."
    elif files.truncated:
        why = "GitHub's list of this repository's files is cut off before it."
    else:
        why = "There is no such directory at this commit."
    return UserError(f"`.whaleray.yml` names {show(path)} as `path`.", why, "Name the application's own directory.")


def dockerfile_absent(path: str) -> UserError:
    return UserError(
        f"`.whaleray.yml` names {show(path)} as `dockerfile`.",
        "There is no such file at this commit.",
        "Name it from the repository's root, for example `dockerfile: docker/Dockerfile`.",
    )


def submodule(path: str) -> UserError:
    return UserError(
        f"{show(path)} is a Git submodule.",
        "WhaleRay fetches this repository alone, so its files are not there.",
        "Install WhaleRay on the submodule's own repository, or move its files here.",
    )


def truncated() -> UserError:
    return UserError(
        "GitHub lists only a part of this repository's files.",
        "It has too many to be listed at once, and no build file is in its root.",
        "Add `.whaleray.yml` with the application's directory, for example `path: backend/`.",
    )


def nothing(files: Files, found: Found, within: str) -> UserError:
    """No build file that could be used, and no Dockerfile."""
    if found.android:
        return android(found.android[0])
    links = [path for path in BUILD_FILES if files.symlink(path)]
    dockerfiles = [path for path in files.paths if name(path) == "Dockerfile"]
    submodules = list(files.submodules)
    if within:
        where = f"in {show(within)}"
    else:
        count = found.looked_in
        where = f"in the root and {count} {'folder' if count == 1 else 'folders'}" if count else "in the root"
    why = f"{LOOKED_FOR} {where}."
    mend = "If it is elsewhere, add `.whaleray.yml` with `path: backend/`."
    if links:
        why += f" {show(links[0])} is a symbolic link, and WhaleRay follows none."
    elif dockerfiles:
        mend = f"To build {show(dockerfiles[0])}, add `.whaleray.yml` with `dockerfile:` and that path."
    elif submodules:
        why += f" {show(submodules[0])} is a Git submodule, whose files are not fetched."
    elif within:
        mend = "Name the directory that holds the build file."
    return UserError("No Spring Boot application found.", why, mend)


def several(candidates: tuple[Candidate, ...]) -> UserError:
    directories = sorted(each.directory or "." for each in candidates)
    example = f"path: {directories[0]}" if usable(directories[0]) else "path: backend/"
    return UserError(
        f"{len(directories)} applications found.",
        f"A repository has one service; these could all be it: {show_all(directories)}.",
        f"Choose one: add `.whaleray.yml` with {show(example)}.",
    )


def android(directory: str) -> UserError:
    return UserError(
        f"{show(directory) if directory else 'This repository'} is an Android application.",
        "It runs on phones; WhaleRay runs Spring Boot services.",
        "If there is a service too, add `.whaleray.yml` with its `path:`.",
    )


def unusable(path: str) -> UserError:
    return UserError(
        f"The directory {show(path)} can't be built in.",
        "Its name has characters that build tools take for something else.",
        "Rename it with letters, digits and `._-@+`, then push again.",
    )


def not_boot(facts: Facts) -> UserError:
    """A build file, and no Spring Boot in it."""
    path = facts.candidate.build_file
    if facts.framework == "Android":
        return android(parent(path))
    if facts.framework:
        return UserError(
            f"This is a {facts.framework} application.",
            f"{show(path)} says so; WhaleRay builds Spring Boot by itself.",
            "Add a `Dockerfile` to run it all the same (WhaleRay's docker and aws engines build it).",
        )
    return UserError(
        "No Spring Boot application found.",
        f"{show(path)} is there, and names neither Spring Boot's plugin nor its dependencies.",
        "If the application is elsewhere, add `.whaleray.yml` with `path: backend/`; if it isn't Spring Boot, add a "
        "`Dockerfile`.",
    )


def not_executable(facts: Facts) -> UserError:
    """Spring Boot, and nothing that makes an executable jar of it."""
    path = facts.candidate.build_file
    if name(path) == "pom.xml":
        mend = "Add `spring-boot-maven-plugin` (`org.springframework.boot`) under `<build><plugins>` there."
    else:
        mend = "Add `id 'org.springframework.boot'` to its `plugins { }` block."
    return UserError(
        f"{show(path)} builds no executable jar.",
        "It depends on Spring Boot, but doesn't apply the plugin that packages the application.",
        mend,
    )
