"""Gradle's version catalog, `gradle/libs.versions.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Catalog:
    """A version catalog: accessor (`spring.boot`) -> (id or `group:artifact`, version)."""

    plugins: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    libraries: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


NOTHING = Catalog()


def parse(text: str) -> Catalog:
    """An unreadable one is an empty one: Gradle says it better."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return Catalog()
    versions = {_accessor(name): _rich(value) for name, value in _table(data, "versions")}
    return Catalog(
        plugins={_accessor(name): _entry(value, "id", versions) for name, value in _table(data, "plugins")},
        libraries={_accessor(name): _entry(value, "module", versions) for name, value in _table(data, "libraries")},
        versions=versions,
    )


def _table(data: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    table = data.get(name)
    if isinstance(table, dict):
        yield from table.items()


def _accessor(alias: str) -> str:
    return re.sub(r"[-_]", ".", alias)


def _rich(value: Any) -> str:
    if isinstance(value, dict):
        return next((str(value[key]) for key in ("strictly", "require", "prefer") if key in value), "")
    return str(value) if isinstance(value, str) else ""


def _entry(value: Any, key: str, versions: Mapping[str, str]) -> tuple[str, str]:
    if isinstance(value, str):
        parts = value.split(":")
        split = 1 if key == "id" else 2
        return ":".join(parts[:split]), ":".join(parts[split:])
    if not isinstance(value, dict):
        return "", ""
    name = value.get(key) or f"{value.get('group', '')}:{value.get('name', '')}"
    version = value.get("version", "")
    if isinstance(version, dict) and isinstance(version.get("ref"), str):
        return str(name), versions.get(_accessor(version["ref"]), "")
    return str(name), _rich(version)
