"""Every failure that an example log is made of, by what fails."""

from tests.diagnosis.failures.recipe import Recipe
from tests.diagnosis.failures.recipes import data, gradle, javac, jvm, kotlin, maven, spring

ALL: tuple[Recipe, ...] = (
    *javac.RECIPES,
    *maven.RECIPES,
    *gradle.RECIPES,
    *kotlin.RECIPES,
    *spring.RECIPES,
    *data.RECIPES,
    *jvm.RECIPES,
)
