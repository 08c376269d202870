"""GitHub's official OpenAPI description, and requests and answers held against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.support.npm import npm_package

VERSION = "23.0.2"
SHA512 = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
FILE = "generated/api.github.com.json"
_BASE = "urn:github"


class OpenApi:
    """Its methods return what is wrong, in words; nothing when all is right."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.paths: dict[str, dict[str, Any]] = description["paths"]
        self._description = description
        self._registry: Any = Registry().with_resource(_BASE, DRAFT4.create_resource(description))

    def request(self, method: str, template: str, query: Mapping[str, str], body: Any) -> list[str]:
        """`body` None: there is none. Fits `Sandbox.checks`."""
        operation = self.paths.get(template, {}).get(method.lower())
        if operation is None:
            return [f"GitHub's description has no {method} {template}"]
        return [*self._query(operation, query), *self._body(operation, template, method, body)]

    def _query(self, operation: dict[str, Any], query: Mapping[str, str]) -> list[str]:
        known = {each["name"]: each["schema"] for each in map(self._resolved, operation.get("parameters", ()))}
        wrong = [f"query: {name} is no parameter" for name in query if name not in known]
        for name, text in query.items():
            schema = self._resolved(known.get(name, {}))
            value: object = int(text) if schema.get("type") == "integer" and text.isdecimal() else text
            wrong += self._errors(schema, value, f"query: {name}")
        return wrong

    def _body(self, operation: dict[str, Any], template: str, method: str, body: Any) -> list[str]:
        described = operation.get("requestBody")
        if described is None:
            return [] if body is None else [f"{method} {template} takes no body"]
        if body is None:
            return ["body: is required"] if described.get("required") else []
        return self._errors(described["content"]["application/json"]["schema"], body, "body")

    def answer(self, method: str, template: str, status: int, body: Any) -> list[str]:
        """What of an answer is not as described; an answer that is not described at all is wrong too."""
        described = self.paths.get(template, {}).get(method.lower(), {}).get("responses", {}).get(str(status))
        if described is None:
            return [f"{method} {template} is not described to answer {status}"]
        content = self._resolved(described).get("content", {}).get("application/json")
        return [] if content is None else self._errors(content["schema"], body, f"{status}")

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._description
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def _errors(self, schema: dict[str, Any], value: object, place: str) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', f'"{_BASE}#/'))
        validator: Any = OAS30Validator(absolute, registry=self._registry, format_checker=oas30_format_checker)
        return [
            ".".join([place, *map(str, error.absolute_path)]) + f": {error.message[:300]}"
            for error in validator.iter_errors(value)
            # The description means that null is allowed there, also where its list of values doesn't name it.
            if not (error.instance is None and error.schema.get("nullable"))
        ]


@cache
def github() -> OpenApi:
    """The description that npm's `@octokit/openapi` carries."""
    directory = npm_package("@octokit/openapi", VERSION, SHA512, keep=lambda path: path in (FILE, "LICENSE"))
    return OpenApi(json.loads((directory / FILE).read_text()))
