"""What the Kotlin compiler rejects, through Maven."""

from __future__ import annotations

from tests.diagnosis.failures.recipe import Recipe, pom

_PLUGIN = """
      <plugin>
        <groupId>org.jetbrains.kotlin</groupId>
        <artifactId>kotlin-maven-plugin</artifactId>
        <executions>
          <execution>
            <goals>
              <goal>compile</goal>
            </goals>
          </execution>
        </executions>
      </plugin>"""
_SOURCE = """\
package com.acme.shop

import org.springframework.boot.autoconfigure.SpringBootApplication
import org.springframework.boot.runApplication

@SpringBootApplication
class ShopApplication

fun main(args: Array<String>) {
    %s
    runApplication<ShopApplication>(*args)
}
"""


def _recipe(name: str, statement: str) -> Recipe:
    files = {
        "pom.xml": pom("web", "org.jetbrains.kotlin:kotlin-stdlib", plugins=_PLUGIN).replace(
            "<plugins>", "<sourceDirectory>src/main/kotlin</sourceDirectory>\n    <plugins>"
        ),
        "src/main/kotlin/com/acme/shop/ShopApplication.kt": _SOURCE % statement,
    }
    return Recipe(f"kotlin-{name}", "build", f"kotlin-{name}", files)


RECIPES = (
    _recipe("unresolved-reference", "println(PriceFormatter.format(1))"),
    _recipe("type-mismatch", "val won: String = 1000"),
    _recipe("rejects", "val won = 1\n    won = 2"),
)
