"""Signing in with GitHub for a few minutes: `state` and PKCE kept in the browser's own cookie, nothing kept here.

A cookie is a signed JSON text: it can be read by its browser and made by nobody but this bot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import ValidationError

from bot.model import Record

SIGNIN_S = 600.0
"""Ten minutes, as long as the link that leads to the secrets."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Goal(Record):
    """The page that a sign-in leads to, and is good for."""

    kind: Literal["env", "app-log"]
    of: str
    """A service's id, or a deployment's."""

    @classmethod
    def named(cls, kind: Literal["env", "app-log"], of: str) -> Goal | None:
        """None for what can be no id: `of` comes from an address that anybody may have written."""
        return cls(kind=kind, of=of) if _ID.fullmatch(of) else None

    @property
    def path(self) -> str:
        match self.kind:
            case "env":
                return f"/services/{self.of}/env"
            case "app-log":
                return f"/deployments/{self.of}/app-log"


class Sealed(Record):
    """What a cookie may hold: the class's name is part of what is signed, so that none passes for another."""

    goal: Goal
    expires: float


class Attempt(Sealed):
    """A sign-in that has begun: what comes back from GitHub is held against it."""

    state: str
    verifier: str

    @property
    def challenge(self) -> str:
        """RFC 7636, S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Session(Sealed):
    """Somebody who signed in for one page. `form` has to come back with each form."""

    login: str
    form: str


class Told(Sealed):
    """What the page says once, after a form was sent."""

    text: str


S = TypeVar("S", bound=Sealed)


@dataclass(frozen=True)
class Cookies:
    """`key` signs; `clock` gives epoch seconds."""

    key: bytes
    clock: Callable[[], float]

    def attempt(self, goal: Goal) -> Attempt:
        return Attempt(
            goal=goal, expires=self._end(), state=secrets.token_urlsafe(24), verifier=secrets.token_urlsafe(48)
        )

    def session(self, goal: Goal, login: str) -> Session:
        return Session(goal=goal, expires=self._end(), login=login, form=secrets.token_urlsafe(24))

    def told(self, goal: Goal, text: str) -> Told:
        return Told(goal=goal, expires=self._end(), text=text)

    def seal(self, value: Sealed) -> str:
        body = base64.urlsafe_b64encode(value.model_dump_json().encode()).decode()
        return f"{body}.{self._sign(type(value), body)}"

    def open(self, kind: type[S], sealed: str) -> S | None:
        """None for a cookie that isn't ours, isn't of that kind or has ended."""
        body, _, signature = sealed.partition(".")
        if not hmac.compare_digest(self._sign(kind, body).encode(), signature.encode("utf-8", "replace")):
            return None
        try:
            value = kind.model_validate(json.loads(base64.urlsafe_b64decode(body)))
        except (ValueError, ValidationError):  # of an earlier version of WhaleRay
            return None
        return value if value.expires > self.clock() else None

    def _end(self) -> float:
        return self.clock() + SIGNIN_S

    def _sign(self, kind: type[Sealed], body: str) -> str:
        signed = f"cookie\0{kind.__name__}\0{body}".encode("utf-8", "replace")
        return hmac.new(self.key, signed, hashlib.sha256).hexdigest()
