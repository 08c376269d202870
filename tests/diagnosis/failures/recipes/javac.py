# ruff: noqa: E501  lines of other files and of shells, kept whole
"""What javac rejects, through Maven."""

from __future__ import annotations

from tests.diagnosis.failures.recipe import APP, JAVA, Recipe, pom, project

_PRICES = """\
import java.math.BigDecimal;
import org.springframework.stereotype.Service;

@Service
public class PriceService {
    public String show(BigDecimal price) {
        %s
    }
}
"""
_OLD_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.acme</groupId>
  <artifactId>shop</artifactId>
  <version>1.0.0</version>
  <properties>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>%s
  </properties>
</project>
"""
_MAIN = "public class Shop {\n    public static void main(String[] args) {\n        %s\n    }\n}\n"
_LOMBOK_SERVICE = """\
import lombok.extern.slf4j.Slf4j;
import org.springframework.stereotype.Service;

@Slf4j
@Service
public class PriceService {
    public void show() {
        log.info("price");
    }
}
"""


def _recipe(name: str, java: dict[str, str], rule: str = "") -> Recipe:
    return Recipe(f"javac-{name}", "build", f"javac-{rule or name}", project(java))


def _body(name: str, statement: str, rule: str = "") -> Recipe:
    return _recipe(name, {"PriceService": _PRICES % statement}, rule)


def _plain(name: str, properties: str, rule: str) -> Recipe:
    """Without Spring Boot's parent, which sets `release`."""
    files = {"pom.xml": _OLD_POM % properties, f"{JAVA}Shop.java": f"package com.acme.shop;\n\n{_MAIN % ''}"}
    return Recipe(f"javac-{name}", "build", f"javac-{rule}", files)


RECIPES = (
    _body("cannot-find-symbol", "return PriceFormatter.format(price);"),
    _body("cannot-find-symbol-class", 'Currency won = null;\n        return price + " " + won;', "cannot-find-symbol"),
    _body("cannot-find-symbol-method", "return price.toWon();"),
    _recipe(
        "package-does-not-exist",
        {
            "PriceService": "import org.apache.commons.lang3.StringUtils;\n\n"
            + _PRICES % "return StringUtils.trim(price.toString());"
        },
    ),
    _body("incompatible-types", "return price;"),
    _body("missing-return", "if (price != null) return price.toString();"),
    _body("syntax-error", "return price.toString()"),
    _body("end-of-file", "return price.toString();\n    }\n    void more() {\n        if (true) {", "syntax-error"),
    _body("unreported-exception", 'return java.nio.file.Files.readString(java.nio.file.Path.of("won"));'),
    Recipe(
        "javac-release-not-supported",
        "build",
        "javac-release-not-supported",
        {"pom.xml": pom(java="25"), f"{JAVA}ShopApplication.java": APP},
    ),
    _plain(
        "invalid-target-release",
        "\n    <maven.compiler.source>21</maven.compiler.source>\n    <maven.compiler.target>21</maven.compiler.target>",
        "release-not-supported",
    ),
    _plain(
        "source-too-old",
        "\n    <maven.compiler.source>1.5</maven.compiler.source>\n    <maven.compiler.target>1.5</maven.compiler.target>",
        "source-too-old",
    ),
    _recipe("public-class-file", {"Prices": "public class Price {\n}\n"}),
    _recipe("duplicate-class", {"Price": "class Price {\n}\n", "old/Price": "class Price {\n}\n"}),
    _recipe("unmappable-character", {"PriceLatin": "class PriceLatin {\n    String caf\u00e9;\n}\n"}),
    _recipe(
        "does-not-override",
        {"Price": "class Price {\n    @Override\n    public String tostring() {\n        return null;\n    }\n}\n"},
    ),
    _recipe(
        "static-context",
        {
            "Price": "class Price {\n    int won;\n    static int show() {\n        return won;\n    }\n}\n",
        },
    ),
    _recipe("not-abstract", {"Price": "class Price implements Comparable<Price> {\n}\n"}),
    _body("cannot-be-applied", "return show();"),
    _body("rejects", "int won = 1;\n        int won = 2;\n        return price.toString();"),
    _recipe(
        "javax-moved",
        {
            "Price": "import javax.persistence.Entity;\nimport javax.persistence.Id;\n\n@Entity\npublic class Price {\n    @Id\n    Long id;\n}\n"
        },
    ),
    Recipe(
        "javac-junit4",
        "build",
        "javac-junit4",
        {
            **project(),
            "pom.xml": pom("web", "test"),
            "src/test/java/com/acme/shop/PriceTest.java": "package com.acme.shop;\n\nimport org.junit.Test;\n\n"
            "public class PriceTest {\n    @Test\n    public void shows() {\n    }\n}\n",
        },
    ),
    Recipe(
        "javac-class-file-version",
        "build",
        "javac-class-file-version",
        {
            **project({"Shop": "class Shop {\n    com.acme.money.Money price;\n}\n"}),
            "money/Money.java": "package com.acme.money;\n\npublic class Money {\n}\n",
            "pom.xml": pom().replace(
                "  </dependencies>",
                "    <dependency>\n      <groupId>com.acme</groupId>\n      <artifactId>money</artifactId>\n      <version>1</version>\n"
                "      <scope>system</scope>\n      <systemPath>${project.basedir}/money/money.jar</systemPath>\n    </dependency>\n  </dependencies>",
            ),
        },
        before='"$JDK25/bin/javac" -d money/classes money/Money.java && "$JDK25/bin/jar" -cf money/money.jar -C money/classes .',
    ),
    Recipe(
        "javac-lombok-off",
        "build",
        "javac-no-log",
        {
            **project({"PriceService": _LOMBOK_SERVICE}),
            "pom.xml": pom("web", "org.projectlombok:lombok:1.18.42", java="25"),
        },
        java="25",
    ),
    Recipe(
        "javac-lombok-too-old",
        "build",
        "javac-lombok-too-old",
        {
            **project({"PriceService": _LOMBOK_SERVICE}),
            "pom.xml": pom(
                "web",
                "org.projectlombok:lombok:1.18.30",
                java="25",
                properties="\n    <maven.compiler.proc>full</maven.compiler.proc>",
            ),
        },
        java="25",
    ),
)
