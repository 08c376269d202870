"""Which services have an upstream of their own, and which of those upstreams can serve yet.

nginx resolves a new upstream only after the reload that brought it, and answers 502 until then. So a service is listed
in two steps: its upstream is defined while requests still go straight to DNS; they are sent to the upstream by another
reload, once the DNS has answered for it. A reload keeps what an upstream had resolved.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from router.config import RouterConfig, Service, list_digest, render_listed, valid

Listed = Callable[[], Sequence[Service]]
"""The services to keep upstreams for: ids and ports. May raise: then nothing changes."""

PATIENCE_S = 5.0
"""Those that resolved by then go ahead; nginx asks again for a lost answer after 5 s."""

log = logging.getLogger(__name__)


class Listing:
    def __init__(
        self,
        config: RouterConfig,
        listed: Listed,
        answered_at: Callable[[str], float | None],
        serves: Callable[[], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._listed = listed
        self._answered_at = answered_at
        self._serves = serves
        self._clock = clock
        self._defined: set[Service] = set()
        self._routed: set[Service] = set()
        self._text = ""
        self._since: float | None = None
        self._complained = False

    def begin(self) -> str:
        """For an nginx that is about to start: nothing is resolved."""
        self._routed = set()
        self._defined = set(self._wanted())
        return self._render()

    def adopt(self, text: str) -> None:
        """For an nginx that runs with `text`."""
        wanted = self._wanted()
        if text == render_listed(wanted, self._config):
            self._defined = self._routed = set(wanted)

    def step(self) -> str | None:
        """What to write, and to reload with, if something changed."""
        wanted = set(self._wanted())
        if wanted != self._defined:
            self._defined = wanted
            self._routed &= wanted
            return self._render()
        waiting = self._defined - self._routed
        since = self._taken_up() if waiting else None
        if since is None:
            return None
        resolved = {service for service in waiting if (self._answered_at(service[0]) or 0) > since}
        if resolved and (resolved == waiting or self._clock() - since > PATIENCE_S):
            self._routed |= resolved
            return self._render()
        return None

    def _taken_up(self) -> float | None:
        """Since when workers serve by what was rendered last: what the DNS answers after that, it answers to them."""
        if self._since is None and self._serves() == list_digest(self._text):
            self._since = self._clock()
        return self._since

    def _wanted(self) -> list[Service]:
        try:
            services = sorted(dict(self._listed()).items())
        except Exception as error:  # noqa: BLE001 - whatever it is, what is routed now stays so
            if not self._complained:
                log.warning("The list of services can't be read now: %s", error)
            self._complained = True
            return sorted(self._defined)
        self._complained = False
        return [service for service in services if valid(service)]

    def _render(self) -> str:
        self._since = None
        self._text = render_listed(sorted(self._defined), self._config, self._routed)
        return self._text
