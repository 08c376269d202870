"""What javac rejects, through Maven."""

from __future__ import annotations

from tests.diagnosis.failures.recipe import APP, JAVA, Recipe, pom, project


def _recipe(name: str, java: dict[str, str], rule: str = "", files: dict[str, str] | None = None) -> Recipe:
    return Recipe(f"javac-{name}", "build", rule or f"javac-{name}", project(java, files=files))


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

RECIPES = (
    _recipe("cannot-find-symbol", {"PriceService": _PRICES % "return PriceFormatter.format(price);"}),
    _recipe(
        "cannot-find-symbol-class",
        {"PriceService": _PRICES % 'Currency won = null;\n        return price + " " + won;'},
        rule="javac-cannot-find-symbol",
    ),
    _recipe("cannot-find-symbol-method", {"PriceService": _PRICES % "return price.toWon();"}),
    _recipe(
        "package-does-not-exist",
        {
            "PriceService": "import org.apache.commons.lang3.StringUtils;\n\n"
            + _PRICES % "return StringUtils.trim(price.toString());"
        },
    ),
    _recipe("incompatible-types", {"PriceService": _PRICES % "return price;"}),
    _recipe("missing-return", {"PriceService": _PRICES % "if (price != null) return price.toString();"}),
    _recipe("syntax-error", {"PriceService": _PRICES % "return price.toString()"}),
    _recipe(
        "unreported-exception",
        {"PriceService": _PRICES % 'return java.nio.file.Files.readString(java.nio.file.Path.of("won"));'},
    ),
    Recipe(
        "javac-release-not-supported",
        "build",
        "javac-release-not-supported",
        {"pom.xml": pom(java="25"), f"{JAVA}ShopApplication.java": APP},
    ),
)
