"""Every failure that an example log is made of, by what fails."""

from tests.diagnosis.failures.recipe import Recipe
from tests.diagnosis.failures.recipes import javac, spring

ALL: tuple[Recipe, ...] = (*javac.RECIPES, *spring.RECIPES)
