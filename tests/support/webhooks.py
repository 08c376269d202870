"""What GitHub sends: real deliveries (npm `@octokit/webhooks-examples`), and one made from each of its official schemas
(npm `@octokit/openapi-webhooks`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.npm import npm_package

EXAMPLES = (
    "@octokit/webhooks-examples",
    "7.6.1",
    "De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
)
SCHEMAS = (
    "@octokit/openapi-webhooks",
    "12.1.0",
    "Z5eDsLCUNbx1zHpZb1LNQirADqdMTvWJQ/deahi0ws+tWWnwHXB+Pr4jfmM9OrETS9Y5iW8ZRu1fdbudObhLrg==",
)
SERVERS = ("ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35")
"""Releases of GitHub Enterprise Server whose deliveries the package has, too."""
DEEPEST = 12
_FORMATS = {
    "date-time": "2026-11-02T12:00:00Z",
    "date": "2026-11-02",
    "uri": "https://github.com/octo-org/hello",
    "uri-template": "https://github.com/octo-org/hello{/sha}",
    "email": "octocat@example.com",
}


@dataclass(frozen=True)
class Delivery:
    name: str
    """What `X-GitHub-Event` says."""
    number: int
    """Among those of that name."""
    payload: Mapping[str, Any]

    def __str__(self) -> str:
        action = self.payload.get("action")
        return f"{self.name}-{self.number}" + (f"-{action}" if isinstance(action, str) else "")


@cache
def examples(server: str = "api.github.com") -> tuple[Delivery, ...]:
    file = f"{server}/index.json"
    wanted = {f"{each}/index.json" for each in ("api.github.com", *SERVERS)}
    directory = npm_package(*EXAMPLES, keep=wanted.__contains__)
    return tuple(
        Delivery(event["name"], number, payload)
        for event in json.loads((directory / file).read_text())
        for number, payload in enumerate(event["examples"])
    )


class Description:
    """GitHub's description of its webhooks; makes one payload of each."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.webhooks: dict[str, Any] = description["webhooks"]
        self.description = description

    def made(self) -> Iterator[Delivery]:
        """With every property that the schema has, required or not."""
        for number, (key, webhook) in enumerate(self.webhooks.items()):
            # Only the link into GitHub's documentation has the event's name in every case.
            name = webhook["post"]["externalDocs"]["url"].rpartition("#")[2].replace("-", "_")
            yield Delivery(name, number, self._value(self.schema(key), 0))

    def schema(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.webhooks[key]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return found

    def _value(self, schema: Any, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema or "enum" in schema:
            return schema["const"] if "const" in schema else schema["enum"][0]
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                chosen = next(
                    (each for each in schema[choice] if self._resolved(each).get("type") != "null"), schema[choice][0]
                )
                rest = {key: value for key, value in schema.items() if key != choice}
                return self._value(self._merged(rest, self._resolved(chosen)), depth)
        if "allOf" in schema:
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                rest = self._merged(rest, self._resolved(part))
            return self._value(rest, depth)
        return self._plain(schema, depth)

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else kind
        match kind:
            case "object":
                known = schema.get("properties", {})
                kept = known if depth < DEEPEST else schema.get("required", ())
                return {name: self._value(known[name], depth + 1) for name in kept}
            case "array":
                few = max(schema.get("minItems", 0), 1 if depth < DEEPEST else 0)
                return [self._value(schema.get("items", {}), depth + 1) for _ in range(few)]
            case "string":
                return _FORMATS.get(schema.get("format", ""), "x" * max(schema.get("minLength", 0), 3))
            case "integer" | "number":
                return int(schema.get("minimum", 7))
            case "boolean":
                return True
            case _:
                return None

    def _merged(self, one: Any, other: Any) -> dict[str, Any]:
        """What fits both, as far as descriptions of webhooks go."""
        one, other = self._resolved(one), self._resolved(other)
        both = {**one, **other}
        if "properties" in one and "properties" in other:
            mine, theirs = one["properties"], other["properties"]
            shared = {name: self._merged(mine[name], theirs[name]) for name in mine.keys() & theirs.keys()}
            both["properties"] = {**mine, **theirs, **shared}
        if "items" in one and "items" in other:
            both["items"] = self._merged(one["items"], other["items"])
        if "enum" in one and "enum" in other:
            both["enum"] = [value for value in one["enum"] if value in other["enum"]]
        return both

    def _resolved(self, schema: Any) -> dict[str, Any]:
        found: Any = schema
        while "$ref" in found:
            reference, found = found["$ref"], self.description
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
        resolved: dict[str, Any] = found
        return resolved


@cache
def description() -> Description:
    file = "generated/api.github.com.json"
    directory = npm_package(*SCHEMAS, keep=lambda path: path in (file, "LICENSE"))
    return Description(json.loads((directory / file).read_text()))
