"""Links that hold for a while: signed, so that nobody can make one, and useless for anything else."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

DAY_S = 86_400
LOG_S = 7 * DAY_S
"""How long a link to a log holds."""
ENV_S = 600
"""Ten minutes: long enough to paste a secret, too short to find in an old comment."""


@dataclass(frozen=True)
class Links:
    """`key` signs; `own_url` is the bot's public address without a trailing slash."""

    key: bytes
    own_url: str
    clock: Callable[[], float] = time.time

    def log(self, deployment_id: str) -> str:
        """A deployment's log. The end is rounded up to a day, so that the body of a check that carries the link stays
        the same from one write to the next."""
        expires = (int(self.clock()) // DAY_S + 1) * DAY_S + LOG_S
        return self._link(f"/deployments/{deployment_id}/log", expires)

    def env(self, service_id: str) -> str:
        """The page of a service's secrets."""
        return self._link(f"/services/{service_id}/env", int(self.clock()) + ENV_S)

    def app_log(self, deployment_id: str) -> str:
        """Its application's log. Not signed: who may see it is decided there, by who signs in."""
        return f"{self.own_url}/deployments/{deployment_id}/app-log"

    def valid(self, path: str, expires: int, signature: str) -> bool:
        expected = self._sign(path, expires).encode()
        return hmac.compare_digest(expected, signature.encode("utf-8", "replace")) and expires > self.clock()

    def _link(self, path: str, expires: int) -> str:
        return f"{self.own_url}{path}?expires={expires}&signature={self._sign(path, expires)}"

    def _sign(self, path: str, expires: int) -> str:
        return hmac.new(self.key, f"link\0{path}\0{expires}".encode(), hashlib.sha256).hexdigest()
