"""The image of a repository that has no Dockerfile of its own; its text is in `templates/docker`."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.errors import UserError
from bot.inspection import refusals
from bot.inspection.files import join, usable
from bot.model import Builder, BuildPlan

_RELEASED = (8, 11, 17)
"""eclipse-temurin's alpine images begin with these; from 17 on there is one for every version."""
_FIRST_JDK_FOR_GRADLE_9 = 24
"""Gradle 8 runs on JDK 8 to 24, Gradle 9 on 17 and later (docs.gradle.org, compatibility matrix)."""


def injected_dockerfile(plan: BuildPlan) -> str:
    """For a build at the repository's root as context. UserError when a path of the plan can't be written there."""
    _check(plan)
    maven = plan.builder is Builder.MAVEN
    output = "target" if maven else "build/libs"
    source = join("source", plan.directory)
    return _render(
        "Dockerfile.j2",
        plan=plan,
        command=list(plan.command),
        maven=maven,
        jdk=image_jdk(plan.jdk),
        gradle="9" if plan.jdk >= _FIRST_JDK_FOR_GRADLE_9 else "8",
        build_directory=f"/{source}",
        application_directory=f"/{join(source, plan.module)}",
        skeleton_directory=f"/{join('skeleton', plan.directory)}",
        archives=f"{output}/*.jar {output}/*.war",
        output=output,
    )


def injected_dockerignore(plan: BuildPlan) -> str:
    """For a repository without a `.dockerignore`. The build's output is left out where the build puts it, and nowhere
    else: a package may be called `build` or `target`."""
    _check(plan)
    output = "target" if plan.builder is Builder.MAVEN else "build"
    application = join(plan.directory, plan.module)
    outputs = dict.fromkeys((join(plan.directory, output), join(application, output)))
    return _render("dockerignore.j2", outputs=tuple(outputs))


def image_jdk(jdk: int) -> int:
    """The version of the image: the next one that has been released for Alpine."""
    return next((released for released in _RELEASED if jdk <= released), jdk)


def _check(plan: BuildPlan) -> None:
    if plan.builder is Builder.DOCKERFILE:
        raise UserError("This repository has a Dockerfile of its own.", "", "Build it with that one.")
    for path in (plan.directory, plan.module):
        if not usable(path):
            raise refusals.unusable(path)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("templates", "docker"),
        autoescape=False,  # noqa: S701 - a Dockerfile is no HTML; values are checked paths, numbers and JSON
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )


def _render(name: str, **values: object) -> str:
    text = _environment().get_template(name).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text)
