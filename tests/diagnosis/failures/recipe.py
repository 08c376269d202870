"""One failure as a recipe: the files of a tiny project, and the command whose output is the example log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BOOT = "3.5.7"
PACKAGE = "mvn -B -ntp -DskipTests package"
"""As `bot.model.BuildPlan.command` has it."""
RUN = "mvn -B -ntp -q -DskipTests package && exec java -Xmx256m -jar target/app.jar --debug"
"""`--debug` makes Spring Boot print its condition report, so that the cause stands among hundreds of lines."""

RUN_VERBOSE = RUN.replace("java ", "java -verbose:class ", 1)
"""For what fails before there is a condition report: the JVM tells each class that it loads."""


@dataclass(frozen=True)
class Recipe:
    """`rule`: the one that must diagnose the log; "" when none may."""

    id: str
    kind: Literal["build", "app"]
    rule: str
    files: Mapping[str, str]
    command: str = PACKAGE
    before: str = ""
    """Run first; its output is not part of the log."""
    java: Literal["17", "25"] = "17"
    env: Mapping[str, str] = field(default_factory=dict)
    seconds: int = 180
    """The command is ended after that long."""
    written_from: str = ""
    """Where the log could not be made here: whose messages it was written from. The log is kept as it is, and
    `command` says what would fail so."""


def pom(
    *starters: str, java: str = "17", extra: str = "", plugins: str = "", properties: str = "", boot: str = BOOT
) -> str:
    """A Spring Boot application's `pom.xml`. A starter without a colon is Spring Boot's own; `extra` goes in as it
    is, before `</project>`."""
    dependencies = "".join(_dependency(starter) for starter in starters or ("web",))
    return f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>{boot}</version>
    <relativePath/>
  </parent>
  <groupId>com.acme</groupId>
  <artifactId>shop</artifactId>
  <version>1.0.0</version>
  <properties>
    <java.version>{java}</java.version>{properties}
  </properties>
  <dependencies>{dependencies}
  </dependencies>
  <build>
    <finalName>app</finalName>
    <plugins>
      <plugin>
        <groupId>org.springframework.boot</groupId>
        <artifactId>spring-boot-maven-plugin</artifactId>
      </plugin>{plugins}
    </plugins>
  </build>{extra}
</project>
"""


def _dependency(name: str) -> str:
    group, _, rest = (
        name.partition(":") if ":" in name else ("org.springframework.boot", "", f"spring-boot-starter-{name}")
    )
    artifact, _, version = rest.partition(":")
    tag = f"\n      <version>{version}</version>" if version else ""
    return f"""
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>{tag}
    </dependency>"""


APP = """\
package com.acme.shop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class ShopApplication {
    public static void main(String[] args) {
        SpringApplication.run(ShopApplication.class, args);
    }
}
"""
JAVA = "src/main/java/com/acme/shop/"
RESOURCES = "src/main/resources/"


def project(
    java: Mapping[str, str] | None = None, *starters: str, files: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A Spring Boot application with those sources in `com.acme.shop` besides its main class."""
    sources = {f"{JAVA}{name}.java": f"package com.acme.shop;\n\n{text}" for name, text in (java or {}).items()}
    return {"pom.xml": pom(*starters), f"{JAVA}ShopApplication.java": APP, **sources, **(files or {})}


def resources(**named: str) -> dict[str, str]:
    """`application_yml="..."` is `src/main/resources/application.yml`."""
    return {RESOURCES + name.replace("__", "/").replace("_", ".", 1): text for name, text in named.items()}
