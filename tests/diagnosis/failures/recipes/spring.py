# ruff: noqa: E501  lines of other files and of shells, kept whole
"""Spring Boot applications whose beans or configuration don't let them start."""

from __future__ import annotations

from typing import Any

from tests.diagnosis.failures.recipe import APP, JAVA, RESOURCES, RUN, RUN_VERBOSE, Recipe, pom, project, resources

PACKAGE_QUIETLY = "mvn -B -ntp -q -DskipTests package"
_VALUE = "import org.springframework.beans.factory.annotation.Value;"


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


def recipe(name: str, files: dict[str, str], rule: str | None = None, command: str = RUN, **more: Any) -> Recipe:
    return Recipe(f"spring-{name}", "app", f"spring-{name}" if rule is None else rule, files, command, **more)


def application(extra: str = "", imports: str = "") -> dict[str, str]:
    """The main class with more in its body."""
    body = APP.rstrip().removesuffix("}") + extra + "}\n"
    return {f"{JAVA}ShopApplication.java": body.replace("import org", f"{imports}import org", 1)}


def yaml(
    text: str, *starters: str, java: dict[str, str] | None = None, files: dict[str, str] | None = None
) -> dict[str, str]:
    """A project with that `application.yml`."""
    return project(java, *starters, files={**resources(application_yml=text), **(files or {})})


_CONTROLLER = """\
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class {0} {{
    @GetMapping("/prices")
    public String {1}() {{
        return "";
    }}
}}
"""
_CONFIGURATION = """\
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration
public class {0} {{
    @Bean
    public {1} {2}() {{
        return new {1}();
    }}
}}
"""
_PROPERTIES = """\
import jakarta.validation.constraints.NotBlank;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.stereotype.Component;
import org.springframework.validation.annotation.Validated;

@Component
@Validated
@ConfigurationProperties("shop")
public class ShopProperties {
    @NotBlank
    private String currency;

    public String getCurrency() {
        return currency;
    }

    public void setCurrency(String currency) {
        this.currency = currency;
    }
}
"""
_SCHEDULED = """\
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

@Component
@EnableScheduling
public class Prices {
    @Scheduled(cron = "0 3 * * *")
    public void refresh() {
    }
}
"""
_TWO_CONSTRUCTORS = """\
import org.springframework.stereotype.Service;

@Service
public class PriceService {
    public PriceService(String currency) {
    }

    public PriceService(String currency, String locale) {
    }
}
"""
_TOMCAT_OUT = """
      <exclusions>
        <exclusion>
          <groupId>org.springframework.boot</groupId>
          <artifactId>spring-boot-starter-tomcat</artifactId>
        </exclusion>
      </exclusions>"""

RECIPES = (
    recipe(
        "port-in-use",
        project(),
        command="python3 -m http.server --bind 127.0.0.1 18080 >/dev/null 2>&1 & holder=$!\n"
        f"{PACKAGE_QUIETLY}\n"
        "java -jar target/app.jar --debug --server.port=18080 --server.address=127.0.0.1\n"
        "kill $holder",
    ),
    recipe("address-not-here", yaml("server:\n  address: 10.99.99.99\n  port: 18083\n")),
    recipe(
        "missing-bean",
        project({"Clock": "public interface Clock {\n}\n", "PriceService": service("PriceService", "Clock clock")}),
    ),
    recipe(
        "missing-named-bean",
        project(
            {
                "PriceService": service(
                    "PriceService",
                    '@Qualifier("wonFormat") java.text.NumberFormat format',
                    "import org.springframework.beans.factory.annotation.Qualifier;",
                ),
            }
        ),
        rule="spring-missing-bean",
    ),
    recipe(
        "two-beans",
        project(
            {
                "Clock": "public interface Clock {\n}\n",
                "UtcClock": service("UtcClock").replace("UtcClock {", "UtcClock implements Clock {"),
                "SeoulClock": service("SeoulClock").replace("SeoulClock {", "SeoulClock implements Clock {"),
                "PriceService": service("PriceService", "Clock clock"),
            }
        ),
    ),
    recipe(
        "circular-reference",
        project(
            {
                "PriceService": service("PriceService", "OrderService orders"),
                "OrderService": service("OrderService", "PriceService prices"),
            }
        ),
    ),
    recipe("no-constructor", project({"PriceService": _TWO_CONSTRUCTORS})),
    recipe(
        "bean-override",
        project(
            {
                "Clock": "public class Clock {\n}\n",
                "UtcConfiguration": _CONFIGURATION.format("UtcConfiguration", "Clock", "clock"),
                "SeoulConfiguration": _CONFIGURATION.format("SeoulConfiguration", "Clock", "clock"),
            }
        ),
    ),
    recipe(
        "bean-name-conflict",
        project(
            {
                "PriceService": service("PriceService"),
                "old/PriceService": "",
            },
            files={f"{JAVA}old/PriceService.java": "package com.acme.shop.old;\n\n" + service("PriceService")},
        ),
        command=RUN_VERBOSE,
    ),
    recipe(
        "ambiguous-mapping",
        project(
            {
                "PriceController": _CONTROLLER.format("PriceController", "prices"),
                "OfferController": _CONTROLLER.format("OfferController", "offers"),
            }
        ),
    ),
    recipe(
        "unresolved-placeholder",
        project({"PriceService": service("PriceService", '@Value("${shop.currency}") String currency', _VALUE)}),
    ),
    recipe(
        "value-mismatch",
        yaml(
            "shop:\n  most: ten\n",
            java={"PriceService": service("PriceService", '@Value("${shop.most}") int most', _VALUE)},
        ),
    ),
    recipe("yaml-tab", yaml("server:\n\tport: 8080\n"), rule="spring-invalid-yaml", command=RUN_VERBOSE),
    recipe(
        "yaml-mapping",
        yaml("server:\n  port: 8080\nshop:\n  title: Shop: the best\n"),
        rule="spring-invalid-yaml",
        command=RUN_VERBOSE,
    ),
    recipe(
        "yaml-duplicate-key",
        yaml("server:\n  port: 8080\nshop:\n  currency: KRW\nserver:\n  shutdown: graceful\n"),
        command=RUN_VERBOSE,
    ),
    recipe("binding-failed", yaml("server:\n  port: eighty\n")),
    recipe("binding-unknown-enum", yaml("server:\n  shutdown: gracefully\n"), rule="spring-binding-failed"),
    recipe(
        "property-invalid", yaml("shop:\n  currency: ''\n", "web", "validation", java={"ShopProperties": _PROPERTIES})
    ),
    recipe(
        "no-validator",
        project({"ShopProperties": _PROPERTIES}, "web", "jakarta.validation:jakarta.validation-api"),
    ),
    recipe("config-missing", yaml("spring:\n  config:\n    import: classpath:shop-secrets.yml\n"), command=RUN_VERBOSE),
    recipe(
        "config-location-missing",
        project(),
        rule="spring-config-missing",
        env={"SPRING_CONFIG_LOCATION": "file:/etc/shop/application.yml"},
        command=RUN_VERBOSE,
    ),
    recipe(
        "profile-in-profile",
        project(files={f"{RESOURCES}application-prod.yml": "spring:\n  profiles:\n    active: postgres\n"}),
        env={"SPRING_PROFILES_ACTIVE": "prod"},
        command=RUN_VERBOSE,
    ),
    recipe(
        "cloud-config-import",
        {**project(), "pom.xml": pom("web", "org.springframework.cloud:spring-cloud-starter-config:4.3.0")},
        command=RUN_VERBOSE,
    ),
    recipe(
        "cloud-incompatible",
        {**project(), "pom.xml": pom("web", "org.springframework.cloud:spring-cloud-starter:4.0.4")},
    ),
    recipe(
        "keystore-missing",
        yaml("server:\n  ssl:\n    key-store: classpath:shop.p12\n    key-store-password: changeit\n"),
    ),
    recipe(
        "logging-config",
        yaml("logging:\n  config: classpath:logback-shop.xml\n"),
        command=RUN_VERBOSE,
    ),
    recipe("invalid-cron", project({"Prices": _SCHEDULED})),
    recipe(
        "no-web-server",
        {
            **project(),
            "pom.xml": pom("web", "jakarta.servlet:jakarta.servlet-api").replace(
                "starter-web</artifactId>", f"starter-web</artifactId>{_TOMCAT_OUT}"
            ),
        },
    ),
    recipe(
        "oauth-issuer",
        yaml(
            "spring:\n  security:\n    oauth2:\n      client:\n        registration:\n          acme:\n            client-id: shop\n"
            "            provider: acme\n        provider:\n          acme:\n            issuer-uri: http://127.0.0.1:18099/acme\n",
            "web",
            "oauth2-client",
        ),
    ),
    recipe(
        "mybatis-too-old",
        {
            **project(),
            "pom.xml": pom("web", "org.mybatis.spring.boot:mybatis-spring-boot-starter:3.0.2", "com.h2database:h2"),
            f"{JAVA}Prices.java": "package com.acme.shop;\n\nimport org.apache.ibatis.annotations.Mapper;\n\n@Mapper\npublic interface Prices {\n}\n",
        },
    ),
    recipe(
        "own-exception",
        project(
            {
                "PriceService": service("PriceService").replace(
                    "() {\n", '() {\n        throw new IllegalStateException("the price list of 2026 is empty");\n'
                )
            }
        ),
        rule="",
    ),
    recipe(
        "healthy",
        project(),
        rule="",
        command=f"{PACKAGE_QUIETLY} && timeout 20 java -jar target/app.jar --debug --server.port=18084",
    ),
    recipe(
        "thymeleaf-warning",
        project({}, "web", "thymeleaf"),
        rule="",
        command=f"{PACKAGE_QUIETLY} && timeout 20 java -jar target/app.jar --debug --server.port=18084",
    ),
    recipe("not-a-server", {**project(), "pom.xml": pom("org.springframework.boot:spring-boot-starter")}, rule=""),
)
