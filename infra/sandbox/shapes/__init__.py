"""GitHub's JSON for what the sandbox holds."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sandbox.shapes.base import Shape
from infra.sandbox.shapes.checks import Checks
from infra.sandbox.shapes.deployments import Deployments

__all__ = ["Shape", "Shapes"]


@dataclass(frozen=True)
class Shapes(Checks, Deployments):
    """`web`: the address of the pages, `api`: of the REST API; neither ends in a slash."""
