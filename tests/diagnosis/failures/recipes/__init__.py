"""Every failure that an example log is made of, by what fails."""

from tests.diagnosis.failures.recipe import Recipe
from tests.diagnosis.failures.recipes import data, gradle, javac, jvm, kotlin, maven, spring

_NO_LOG_YET = frozenset(
    {
        "jvm-method-missing",
        "spring-kafka-unreachable",
        "jvm-heap-exhausted",
        "spring-repository-query",
        "spring-not-an-entity",
        "spring-repository-property",
        "spring-health-check-failed",
        "spring-entity-without-id",
        "spring-dialect-unknown",
        "spring-mongo-unreachable",
        "spring-rabbit-unreachable",
        "jvm-class-version",
        "spring-flyway-missing-migration",
        "spring-redis-unreachable",
    }
)
ALL: tuple[Recipe, ...] = tuple(
    recipe
    for recipe in (
        *javac.RECIPES,
        *maven.RECIPES,
        *gradle.RECIPES,
        *kotlin.RECIPES,
        *spring.RECIPES,
        *data.RECIPES,
        *jvm.RECIPES,
    )
    if recipe.id not in _NO_LOG_YET
)
