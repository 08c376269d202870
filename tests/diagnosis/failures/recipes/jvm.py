# ruff: noqa: E501  lines of other files and of shells, kept whole
"""Applications that the JVM itself doesn't start or keep."""

from __future__ import annotations

from tests.diagnosis.failures.recipe import Recipe, pom, project
from tests.diagnosis.failures.recipes.spring import PACKAGE_QUIETLY, application, service

_LOUD = f"{PACKAGE_QUIETLY} && exec java -verbose:class"
"""Hundreds of lines of what the JVM loads, as nothing of Spring Boot gets to speak."""


def _recipe(name: str, files: dict[str, str], rule: str = "", command: str = "", **more: object) -> Recipe:
    return Recipe(f"jvm-{name}", "app", rule or f"jvm-{name}", files, command or f"{_LOUD} -jar target/app.jar", **more)  # type: ignore[arg-type]


_HOARD = application(
    "\n    @org.springframework.context.annotation.Bean\n    org.springframework.boot.CommandLineRunner hoard() {\n"
    "        return arguments -> {\n            var prices = new java.util.ArrayList<long[]>();\n"
    "            while (true) prices.add(new long[100_000]);\n        };\n    }\n"
)

_DIGITS = """\
import org.apache.commons.lang3.StringUtils;

public class Shop {
    public static void main(String[] arguments) {
        System.out.println(StringUtils.getDigits("1,000 won"));
    }
}
"""

RECIPES = (
    _recipe(
        "no-main-manifest",
        {
            **project(),
            "pom.xml": pom().replace(
                "</artifactId>\n      </plugin>",
                "</artifactId>\n        <configuration>\n          <skip>true</skip>\n        </configuration>\n      </plugin>",
            ),
        },
    ),
    _recipe(
        "main-class-missing",
        {**project(), "pom.xml": pom(properties="\n    <start-class>com.acme.shop.Main</start-class>")},
    ),
    _recipe(
        "main-class-missing-plain",
        project(),
        rule="jvm-main-class-missing",
        command=f"{_LOUD} -cp target/classes com.acme.shop.Main",
    ),
    _recipe("no-jar", project(), command=f"{_LOUD} -jar target/shop-1.0.0.jar"),
    _recipe(
        "class-version",
        {**project(), "pom.xml": pom(java="25")},
        command=f"{PACKAGE_QUIETLY} && exec /usr/lib/jvm/java-17-openjdk-amd64/bin/java -verbose:class -jar target/app.jar",
        java="25",
    ),
    _recipe("bad-option", project(), command=f"{_LOUD} -XX:+UseConcMarkSweepGC -jar target/app.jar"),
    _recipe("heap-too-large", project(), command=f"{_LOUD} -Xms9000g -Xmx9000g -jar target/app.jar"),
    _recipe(
        "heap-exhausted",
        {**project(), **_HOARD},
        command=f"{PACKAGE_QUIETLY} && exec java -Xmx64m -jar target/app.jar --debug --server.port=18089",
        rule="out-of-memory",
    ),
    _recipe(
        "metaspace-exhausted",
        project(),
        command=f"{PACKAGE_QUIETLY} && exec java -verbose:class -XX:MaxMetaspaceSize=20m -jar target/app.jar",
        rule="out-of-memory",
    ),
    _recipe(
        "class-missing",
        {
            **project(
                {
                    "PriceService": service("PriceService").replace(
                        "() {\n",
                        '() {\n        System.out.println(org.apache.commons.lang3.StringUtils.trim(" KRW "));\n',
                    )
                }
            ),
            "pom.xml": pom("web", "org.apache.commons:commons-lang3").replace(
                "</artifactId>\n      </plugin>",
                "</artifactId>\n        <configuration>\n          <excludes>\n            <exclude>\n              <groupId>org.apache.commons</groupId>\n"
                "              <artifactId>commons-lang3</artifactId>\n            </exclude>\n          </excludes>\n        </configuration>\n      </plugin>",
            ),
        },
        command=f"{PACKAGE_QUIETLY} && exec java -jar target/app.jar --debug",
    ),
    _recipe(
        "field-missing",
        {**project(), "pom.xml": pom(properties="\n    <spring-framework.version>6.1.14</spring-framework.version>")},
        command=f"{PACKAGE_QUIETLY} && exec java -verbose:class -jar target/app.jar --debug",
        rule="jvm-method-missing",
    ),
    _recipe(
        "class-missing-version",
        {**project(), "pom.xml": pom(properties="\n    <jackson-bom.version>2.10.5</jackson-bom.version>")},
        command=f"{PACKAGE_QUIETLY} && exec java -jar target/app.jar --debug --server.port=18089",
        rule="jvm-class-missing",
    ),
    _recipe(
        "method-missing",
        {
            **project({"Shop": _DIGITS}),
            "pom.xml": pom("web", "org.apache.commons:commons-lang3"),
        },
        before=f"{PACKAGE_QUIETLY} && mvn -B -q dependency:copy -Dartifact=org.apache.commons:commons-lang3:3.5 -DoutputDirectory=old",
        command="exec java -verbose:class -cp old/commons-lang3-3.5.jar:target/classes com.acme.shop.Shop",
    ),
)
