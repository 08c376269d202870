"""Repositories as people bring them: docs/repositories.md lists the real ones that were run by hand.

Gradle itself is in no package registry: a script stands in for `gradlew`, and goes on only if it was called as Gradle
has to be.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.engine.repository import repository
from tests.stories.town import AUTHOR, Town

GRADLEW = """#!/bin/sh
set -e
[ "$*" = "--console=plain --no-daemon -p apps/shop bootJar" ]
[ -f settings.gradle.kts ] && [ -f gradle/wrapper/gradle-wrapper.jar ]
[ "$GRADLE_USER_HOME" = "$HOME/.gradle" ] && mkdir -p "$GRADLE_USER_HOME/caches"
"$JAVA_HOME/bin/javac" -version
[ -n "$COMMIT_SHA" ] && [ -z "$WHALERAY_GITHUB_WEBHOOK_SECRET" ]
mkdir -p apps/shop/build/libs
echo "no archive" > apps/shop/build/libs/shop-1-plain.jar
cp app.jar apps/shop/build/libs/shop-1.jar
"""
BUILD = b"""plugins {
    kotlin("jvm") version "2.2.21"
    id("org.springframework.boot") version "3.5.6"
}
java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }
"""


def test_a_wrapper_from_windows_is_called_where_the_settings_are_for_the_module_that_is_deployed(
    town: Town, compiled: Mapping[str, bytes]
) -> None:
    place = town.repository()
    files = repository(compiled, version="7")
    del files["mvnw"], files["pom.xml"]
    sha = place.sandbox.push(
        place.full_name,
        {
            **files,
            "gradlew": GRADLEW.replace("\n", "\r\n").encode(),
            "gradle/wrapper/gradle-wrapper.jar": b"PK",
            "settings.gradle.kts": b'include("apps:shop")\n',
            "apps/shop/build.gradle.kts": BUILD,
            "apps/shop/src/main/kotlin/com/acme/ShopApplication.kt": b"package com.acme\n",
        },
        by=AUTHOR,
        executable=(),
    )
    place.runs(sha)
    place.serves("7")


def test_an_application_that_does_its_work_and_ends_is_told_that_a_service_listens(town: Town) -> None:
    place = town.repository()
    check = place.fails(place.push("1", files={".whaleray.yml": b"env:\n  TEST_EXIT: '0'\n"}))
    assert "The application ended by itself instead of listening" in check["output"]["title"]
    assert "`spring-boot-starter-web` brings what does" in check["output"]["summary"]
