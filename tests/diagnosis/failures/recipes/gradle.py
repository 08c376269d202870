"""What stops Gradle. Its logs were made by Debian's Gradle 4.4.1, which `make` looks for as `gradle`. What only later
versions say is written from their messages as users reported them: `written_from` names where."""

from __future__ import annotations

from typing import Any

from tests.diagnosis.failures.recipe import APP, JAVA, Recipe

_GRADLE = "gradle --console=plain --no-daemon {}"
_MAIN = {
    "settings.gradle": "rootProject.name = 'shop'\n",
    f"{JAVA}Shop.java": "package com.acme.shop;\n\npublic class Shop {\n}\n",
}


def _build(more: str = "", repository: str = "mavenCentral()") -> str:
    return f"apply plugin: 'java'\n\nrepositories {{\n    {repository}\n}}\n\n{more}"


def _recipe(name: str, files: dict[str, str], rule: str = "", task: str = "build", **more: Any) -> Recipe:
    command = more.pop("command", _GRADLE.format(task))
    return Recipe(f"gradle-{name}", "build", rule or f"gradle-{name}", {**_MAIN, **files}, command, **more)


def _maven(url: str) -> str:
    return f"maven {{ url '{url}' }}"


_MONEY = "dependencies {\n    compile 'com.acme:money:2.4.1'\n}\n"
_DENIES = (
    "python3 -c 'import http.server as s; h = s.BaseHTTPRequestHandler; "
    "h.do_HEAD = h.do_GET = lambda self: self.send_error(401); "
    's.HTTPServer(("127.0.0.1", 18081), h).serve_forever()\' >/dev/null 2>&1 & holder=$!\n'
    f"sleep 1\n{_GRADLE.format('build')}\nkill $holder"
)
_TEST = """\
package com.acme.shop;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class PriceTest {
    @Test
    public void showsWon() {
        assertEquals("1,000 won", "1000");
    }
}
"""

RECIPES = (
    _recipe("dependency-not-found", {"build.gradle": _build(_MONEY)}),
    _recipe(
        "repository-denies", {"build.gradle": _build(_MONEY, _maven("http://127.0.0.1:18081/maven"))}, command=_DENIES
    ),
    _recipe("unknown-host", {"build.gradle": _build(_MONEY, _maven("https://repo.acme.invalid/maven"))}),
    _recipe("task-not-found", {"build.gradle": _build()}, task="bootJar"),
    _recipe("plugin-not-found", {"build.gradle": "plugins {\n    id 'com.acme.money' version '2.4.1'\n}\n"}),
    _recipe("script-syntax", {"build.gradle": _build("dependencies {\n    compile 'com.acme:money:2.4.1\n}\n")}),
    _recipe(
        "script-method", {"build.gradle": _build("dependencies {\n    implementations 'com.acme:money:2.4.1'\n}\n")}
    ),
    _recipe("script-property", {"build.gradle": _build("version = shopVersion\n")}),
    _recipe(
        "cannot-find-symbol",
        {
            "build.gradle": _build(),
            f"{JAVA}Shop.java": "package com.acme.shop;\n\npublic class Shop {\n    Price price;\n}\n",
        },
        rule="javac-cannot-find-symbol",
    ),
    _recipe(
        "invalid-source-release",
        {
            "build.gradle": _build(
                "sourceCompatibility = '1.9'\ntargetCompatibility = '1.9'\n"
                "compileJava.options.compilerArgs += ['--release', '21']\n"
            )
        },
        rule="javac-release-not-supported",
    ),
    _recipe(
        "tests-failed",
        {
            "build.gradle": _build("dependencies {\n    testCompile 'junit:junit:4.13.2'\n}\n"),
            "src/test/java/com/acme/shop/PriceTest.java": _TEST,
        },
    ),
    Recipe("gradle-success", "build", "", {**_MAIN, "build.gradle": _build()}, _GRADLE.format("build")),
    _recipe(
        "daemon-disappeared",
        {"build.gradle": _build("task crash {\n    doLast {\n        Runtime.runtime.halt(137)\n    }\n}\n")},
        command="gradle --console=plain --daemon crash",
    ),
    Recipe(
        "gradle-class-file-version",
        "build",
        "gradle-java-too-new",
        {**_MAIN, "build.gradle": _build(), f"{JAVA}ShopApplication.java": APP},
        "./gradlew --console=plain --no-daemon bootJar",
        java="25",
        written_from="Gradle 8 as reported in Stirling-Tools/Stirling-PDF#1853",
    ),
    Recipe(
        "gradle-no-toolchain",
        "build",
        "gradle-no-toolchain",
        {
            **_MAIN,
            "build.gradle": "plugins {\n    id 'java'\n}\n\n"
            "java.toolchain.languageVersion = JavaLanguageVersion.of(21)\n",
        },
        "./gradlew --console=plain --no-daemon bootJar",
        written_from="Gradle 8.8 as reported in gradle/gradle#33841 and google/oss-rebuild#880",
    ),
    Recipe(
        "gradle-no-main-class",
        "build",
        "gradle-no-main-class",
        {**_MAIN, "build.gradle": "plugins {\n    id 'java'\n    id 'org.springframework.boot' version '3.5.7'\n}\n"},
        "./gradlew --console=plain --no-daemon bootJar",
        written_from="Gradle 8 as reported in spring-projects/spring-boot#47247",
    ),
)
