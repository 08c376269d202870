"""The REST API's front: who calls, what they may do, is the body right, and the record of it all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from infra.sandbox import api, auth, bodies
from infra.sandbox.api.call import MEDIA, Answer, Call, Endpoint, authorise, find
from infra.sandbox.auth import Caller
from infra.sandbox.events import Events
from infra.sandbox.hooks import Hooks
from infra.sandbox.limits import Limits
from infra.sandbox.refusal import Refusal, not_found
from infra.sandbox.shapes import Shapes
from infra.sandbox.world import World

DOCUMENTATION = "https://docs.github.com/rest"
UNKNOWN = "(no such endpoint)"
assert api  # noqa: S101 - imported for its endpoints

Check = Callable[[str, str, Mapping[str, str], Any], list[str]]
"""Method, path template, query and body (None: none) -> what is wrong with them."""


@dataclass(frozen=True)
class Request:
    """What came in, before anybody has looked at it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Recorded:
    """One request that was answered (status 0: its connection was cut)."""

    method: str
    template: str
    path: str
    status: int
    seconds: float
    """That the sandbox itself took, delays on purpose not counted."""
    at: float
    """Epoch seconds when it arrived."""
    caller: str


@dataclass(frozen=True)
class Violation:
    """A request that GitHub would have refused, whoever had sent it."""

    method: str
    path: str
    errors: tuple[str, ...]
    body: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {'; '.join(self.errors)}"


class Rest:
    def __init__(self, world: World, shapes: Shapes, hooks: Hooks, events: Events) -> None:
        self._world = world
        self._shapes = shapes
        self._hooks = hooks
        self._events = events
        self.limits = Limits(world.now)
        self.requests: list[Recorded] = []
        self.violations: list[Violation] = []
        self.checks: list[Check] = []
        """More to hold each request against; what they find is a violation."""

    def template(self, request: Request) -> str:
        found = find(request.method, request.path)
        return found[0].template if found else UNKNOWN

    def answer(self, request: Request) -> Answer:
        """Blocks while git works. Never raises for what a client did."""
        began, at = time.perf_counter(), self._world.now()
        caller = Caller()
        template = UNKNOWN
        with self._world.lock:
            try:
                caller = auth.identify(self._world, request.headers.get("authorization", ""))
                template, answer = self._routed(request, caller)
            except Refusal as refusal:
                template = self.template(request)
                answer = self._refused(request, refusal)
            except Exception as error:  # noqa: BLE001 - a fault of the sandbox must show in the tests, not only as a 500
                fault = Refusal(500, "The sandbox broke", [repr(error)], violation=True)
                answer = self._refused(request, fault)
            answer = self._dressed(request, answer, caller)
        took = time.perf_counter() - began
        self.requests.append(Recorded(request.method, template, request.path, answer.status, took, at, caller.key))
        return answer

    def _routed(self, request: Request, caller: Caller) -> tuple[str, Answer]:
        path = request.path
        if (elsewhere := self._by_id(path)) is not None:
            path = elsewhere
        elif (moved := self._moved(path)) is not None:
            there = f"{self._shapes.api}{moved}" + (f"?{request.query}" if request.query else "")
            status = 301 if request.method in ("GET", "HEAD") else 307
            words = "Moved Permanently" if status == 301 else "Temporary Redirect"
            return UNKNOWN, Answer(status, {"message": words, "url": there}, headers={"Location": there})
        found = find(request.method, path)
        if found is None:
            raise Refusal(404, "Not Found", [f"The sandbox has no {request.method} {path}"], violation=True)
        endpoint, values = found
        creates = endpoint.writes and "access_tokens" not in path and "/hook/" not in path
        self.limits.count(caller.key, creates=creates)
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        call = Call(
            self._world,
            self._shapes,
            self._hooks,
            self._events,
            request.method,
            endpoint.template,
            path,
            caller,
            values,
            query,
        )
        authorise(call, endpoint)
        if endpoint.writes:
            call.body = bodies.read(endpoint.route, request.body)
        self._held_against_checks(request, endpoint, call)
        return endpoint.template, endpoint.handler(call)

    def _held_against_checks(self, request: Request, endpoint: Endpoint, call: Call) -> None:
        body = call.body if request.body.strip() else None
        for check in self.checks:
            if wrong := check(endpoint.method, endpoint.template, call.query, body):
                raise Refusal(422, "Validation Failed", wrong, violation=True)

    def _by_id(self, path: str) -> str | None:
        """`/repositories/{id}/…` is the repository whatever it is called; GitHub's redirects lead there."""
        if not path.startswith("/repositories/"):
            return None
        number, _, rest = path.removeprefix("/repositories/").partition("/")
        repository = self._world.repositories.get(int(number)) if number.isdecimal() else None
        if repository is None:
            raise not_found()
        return f"/repos/{repository.full_name}" + (f"/{rest}" if rest else "")

    def _moved(self, path: str) -> str | None:
        parts = path.split("/", 4)
        if len(parts) < 4 or parts[1] != "repos" or self._world.find(parts[2], parts[3]) is not None:
            return None
        number = self._world.moved.get(f"{parts[2]}/{parts[3]}".lower())
        if number not in self._world.repositories:
            return None
        return f"/repositories/{number}" + (f"/{parts[4]}" if len(parts) > 4 else "")

    def _refused(self, request: Request, refusal: Refusal) -> Answer:
        if refusal.violation:
            errors = [_words(each) for each in refusal.errors] or [refusal.message]
            body = request.body[:2000].decode(errors="replace")
            self.violations.append(Violation(request.method, request.path, tuple(errors), body))
        return Answer(refusal.status, refusal.body(DOCUMENTATION), headers=refusal.headers)

    def _dressed(self, request: Request, answer: Answer, caller: Caller) -> Answer:
        """With the headers that GitHub puts on everything; 304 for what the client has already."""
        headers = {"X-GitHub-Media-Type": "github.v3; format=json", **answer.headers}
        if answer.json is not None:
            headers["Content-Type"] = MEDIA
        if request.method == "GET" and answer.status == 200:
            headers["ETag"] = f'W/"{hashlib.sha256(answer.body).hexdigest()}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                self.limits.give_back(caller.key)
                return Answer(304, headers={**headers, **self.limits.headers(caller.key)})
        return Answer(answer.status, answer.json, answer.content, {**headers, **self.limits.headers(caller.key)})


def _words(error: object) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)
