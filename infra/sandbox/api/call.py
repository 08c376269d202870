"""One request to the REST API, the table of its endpoints, and how an answer is made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlencode

from infra.sandbox.auth import Caller
from infra.sandbox.events import Events
from infra.sandbox.hooks import Hooks
from infra.sandbox.records import Account, App, Repository
from infra.sandbox.refusal import Refusal, not_found
from infra.sandbox.shapes import Shapes
from infra.sandbox.world import World

MEDIA = "application/json; charset=utf-8"
LARGEST_PAGE = 100


@dataclass(frozen=True)
class Answer:
    status: int = 200
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def body(self) -> bytes:
        if self.content is not None:
            return self.content
        return b"" if self.json is None else json.dumps(self.json, ensure_ascii=False).encode(errors="replace")


@dataclass
class Call:
    world: World
    shapes: Shapes
    hooks: Hooks
    events: Events
    method: str
    template: str
    path: str
    caller: Caller
    values: Mapping[str, str]
    """The path's parameters."""
    query: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def repository(self) -> Repository:
        """The one that the path names, as far as the caller may know of it."""
        found = self.world.find(self.values["owner"], self.values["repo"])
        if found is None or (found.private and not self.caller.covers(found)):
            raise not_found()
        return found

    @property
    def app(self) -> App:
        """The App that calls, by JWT or through an installation."""
        if self.caller.app is not None:
            return self.caller.app
        if self.caller.token is not None:
            return self.caller.token.installation.app
        raise Refusal(401, "Requires authentication")

    @property
    def account(self) -> Account:
        if (account := self.caller.account) is None:
            raise Refusal(401, "Requires authentication")
        return account

    def number(self, name: str) -> int:
        if not self.values[name].isdecimal():
            raise not_found()
        return int(self.values[name])

    def page(self, items: Sequence[Any], wrap: Callable[[Sequence[Any]], Any] = list, *, size: int = 30) -> Answer:
        """One page of a listing, with GitHub's `Link` header."""
        per_page = min(max(_integer(self.query.get("per_page"), size), 1), LARGEST_PAGE)
        page = max(_integer(self.query.get("page"), 1), 1)
        last = max((len(items) + per_page - 1) // per_page, 1)
        places: list[tuple[str, int]] = []
        if page > 1:
            places += [("prev", page - 1), ("first", 1)]
        if page < last:
            places += [("next", page + 1), ("last", last)]
        links = ", ".join(f'<{self.link(page=number)}>; rel="{rel}"' for rel, number in places)
        return Answer(
            json=wrap(items[(page - 1) * per_page : page * per_page]), headers={"Link": links} if links else {}
        )

    def link(self, **changed: object) -> str:
        query = {**self.query, **{name: str(value) for name, value in changed.items()}}
        return f"{self.shapes.api}{self.path}?{urlencode(query)}"


def _integer(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() else otherwise


By = Literal["app", "installation", "user", "client", "anyone"]
Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Endpoint:
    method: str
    template: str
    pattern: re.Pattern[str]
    handler: Handler
    by: By
    needs: tuple[str, ...]
    """Permissions of which one suffices."""

    @property
    def route(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


ENDPOINTS: list[Endpoint] = []
_SLASHES = {"ref", "basehead", "path"}
"""Parameters whose value may hold slashes."""


def endpoint(route: str, *needs: str, by: By = "anyone") -> Callable[[Handler], Handler]:
    """`route`: method and GitHub's path template, as its OpenAPI description has it."""
    method, template = route.split(" ", 1)

    def pattern(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{'.+' if match[1] in _SLASHES else '[^/]+'})"

    compiled = re.compile(re.sub(r"\{(\w+)\}", pattern, template))

    def register(handler: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, template, compiled, handler, by, needs))
        return handler

    return register


def find(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The most specific endpoint, and the path's values."""
    fits = [
        (each, match.groupdict())
        for each in ENDPOINTS
        if each.method == method and (match := each.pattern.fullmatch(path))
    ]
    return max(fits, key=lambda fit: (len(fit[0].template.split("/")), -fit[0].template.count("{")), default=None)


def authorise(call: Call, endpoint: Endpoint) -> None:
    """Raises Refusal unless the caller may do that."""
    caller = call.caller
    if endpoint.by == "app":
        if caller.app is None:
            raise Refusal(401, "A JSON web token could not be decoded")
        return
    if endpoint.by == "client":
        if caller.client is None:
            raise Refusal(401, "Requires authentication")
        return
    if caller.app is not None or caller.client is not None:
        raise Refusal(401, "Bad credentials")
    if endpoint.by == "installation" and caller.token is None:
        raise Refusal(403 if caller.user else 401, "This endpoint requires an installation token")
    if endpoint.by == "user" and caller.user is None:
        raise Refusal(403 if caller.token else 401, "Resource not accessible by integration")
    if "repo" in call.values:
        if endpoint.writes and caller.account is None:
            raise Refusal(401, "Requires authentication")
        _authorise_for_repository(call, endpoint)


def _authorise_for_repository(call: Call, endpoint: Endpoint) -> None:
    repository, caller = call.repository, call.caller
    if endpoint.writes and repository.archived:
        raise Refusal(403, "Repository was archived so is read-only.")
    if caller.token is None:
        if endpoint.writes:  # the App asks people who they are, and nothing else
            raise Refusal(403, "Resource not accessible by integration")
        return
    public = not repository.private and not endpoint.writes
    granted = caller.covers(repository) and (not endpoint.needs or any(caller.has(need) for need in endpoint.needs))
    if not granted and not (public and not caller.covers(repository)):
        accepted = "; ".join(need.replace(":", "=") for need in endpoint.needs)
        raise Refusal(
            403,
            "Resource not accessible by integration",
            headers={"X-Accepted-GitHub-Permissions": accepted} if accepted else {},
        )
