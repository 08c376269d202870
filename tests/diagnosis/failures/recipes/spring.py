"""Spring Boot applications that don't start."""

from __future__ import annotations

from tests.diagnosis.failures.recipe import RUN, Recipe, project, resources

_REPOSITORY = """\
import org.springframework.data.jpa.repository.JpaRepository;

public interface Prices extends JpaRepository<Price, Long> {
}
"""


def service(name: str, parameters: str = "", imports: str = "", body: str = "") -> str:
    """A `@Service` class whose constructor takes those parameters."""
    return f"""\
import org.springframework.stereotype.Service;
{imports}
@Service
public class {name} {{
    public {name}({parameters}) {{
    }}
{body}}}
"""


def _recipe(
    name: str, files: dict[str, str], rule: str = "", command: str = RUN, before: str = "", **more: object
) -> Recipe:
    return Recipe(f"spring-{name}", "app", rule or f"spring-{name}", files, command, before, **more)  # type: ignore[arg-type]


RECIPES = (
    _recipe(
        "port-in-use",
        project(),
        command="python3 -m http.server --bind 127.0.0.1 18080 >/dev/null 2>&1 & holder=$!\n"
        "mvn -B -ntp -q -o -DskipTests package\n"
        "java -jar target/app.jar --debug --server.port=18080 --server.address=127.0.0.1\n"
        "kill $holder",
    ),
    _recipe(
        "missing-bean",
        project(
            {
                "Clock": "public interface Clock {\n}\n",
                "PriceService": service("PriceService", "Clock clock"),
            }
        ),
    ),
    _recipe(
        "circular-reference",
        project(
            {
                "PriceService": service("PriceService", "OrderService orders"),
                "OrderService": service("OrderService", "PriceService prices"),
            }
        ),
    ),
    _recipe("no-datasource", project({}, "web", "data-jpa")),
    _recipe(
        "unresolved-placeholder",
        project(
            {
                "PriceService": service(
                    "PriceService",
                    '@Value("${shop.currency}") String currency',
                    "import org.springframework.beans.factory.annotation.Value;",
                ),
            }
        ),
    ),
    _recipe(
        "postgres-refused",
        project(
            {},
            "web",
            "data-jpa",
            "org.postgresql:postgresql",
            files=resources(
                application_yml="spring:\n  datasource:\n    url: jdbc:postgresql://127.0.0.1:15432/shop\n"
            ),
        ),
    ),
)
