"""Signing in with GitHub for a few minutes: `state` and PKCE kept in the browser's own cookie, nothing kept here.

A cookie is a signed JSON text: it can be read by its browser and made by nobody but this bot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

STATE_COOKIE = "whaleray_signin"
SESSION_COOKIE = "whaleray_session"
SESSION_S = 600.0
"""Ten minutes, as long as the link that led here."""
T = TypeVar("T", bound=BaseModel)


class Attempt(BaseModel):
    """A sign-in that has begun: what comes back from GitHub is held against it."""

    model_config = ConfigDict(frozen=True)

    state: str
    verifier: str
    service_id: str
    expires: float

    @property
    def challenge(self) -> str:
        """RFC 7636, S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Session(BaseModel):
    """Somebody who signed in for one service's secrets. `form` has to come back with each form."""

    model_config = ConfigDict(frozen=True)

    login: str
    service_id: str
    form: str
    expires: float


@dataclass(frozen=True)
class Cookies:
    key: bytes
    clock: Callable[[], float]

    def begin(self, service_id: str) -> Attempt:
        return Attempt(
            state=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            service_id=service_id,
            expires=self.clock() + SESSION_S,
        )

    def session(self, login: str, service_id: str) -> Session:
        return Session(
            login=login, service_id=service_id, form=secrets.token_urlsafe(24), expires=self.clock() + SESSION_S
        )

    def seal(self, value: Attempt | Session) -> str:
        body = base64.urlsafe_b64encode(value.model_dump_json().encode()).decode()
        return f"{body}.{self._sign(type(value), body)}"

    def open(self, kind: type[T], sealed: str) -> T | None:
        """None for a cookie that isn't ours, isn't of that kind or has ended."""
        body, _, signature = sealed.partition(".")
        if not hmac.compare_digest(self._sign(kind, body).encode(), signature.encode("utf-8", "replace")):
            return None
        try:
            value = kind.model_validate(json.loads(base64.urlsafe_b64decode(body)))
        except (ValueError, ValidationError):
            return None
        return value if getattr(value, "expires", 0.0) > self.clock() else None

    def _sign(self, kind: type[BaseModel], body: str) -> str:
        return hmac.new(
            self.key, f"cookie\0{kind.__name__}\0{body}".encode("utf-8", "replace"), hashlib.sha256
        ).hexdigest()
