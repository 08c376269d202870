"""Which services have an upstream of their own, and which of those upstreams can serve yet.

nginx resolves a new upstream only after the reload that brought it, and answers 502 until then. So a service is listed
in two steps: its upstream is defined while requests still go straight to DNS; they are sent to the upstream by another
reload, once the DNS has answered for it. A reload keeps what an upstream had resolved.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from router.config import RouterConfig, Service, render_listed, valid

Listed = Callable[[], Sequence[Service]]
"""The services to keep upstreams for: ids and ports. May raise: then nothing changes."""

SETTLE_S = 1.0
"""Workers of the new configuration come up and take the DNS's answers within this."""
PATIENCE_S = 5.0
"""Those that resolved by then go ahead; nginx asks again for a lost answer after 5 s."""

log = logging.getLogger(__name__)


class Listing:
    def __init__(
        self,
        config: RouterConfig,
        listed: Listed,
        answered_at: Callable[[str], float | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._listed = listed
        self._answered_at = answered_at
        self._clock = clock
        self._defined: dict[Service, float] = {}
        self._routed: set[Service] = set()
        self._complained = False

    def begin(self) -> str:
        """For an nginx that is about to start: nothing is resolved."""
        self._routed = set()
        self._defined = dict.fromkeys(self._wanted(), self._clock())
        return self._render()

    def adopt(self, text: str) -> None:
        """For an nginx that runs with `text`."""
        wanted = self._wanted()
        if text == render_listed(wanted, self._config):
            self._defined = dict.fromkeys(wanted, self._clock())
            self._routed = set(wanted)

    def step(self) -> str | None:
        """What to write, and to reload with, if something changed."""
        wanted, now = self._wanted(), self._clock()
        if set(wanted) != set(self._defined):
            self._defined = {service: self._defined.get(service, now) for service in wanted}
            self._routed &= set(wanted)
            return self._render()
        waiting = {service: at for service, at in self._defined.items() if service not in self._routed}
        resolved = {s for s, at in waiting.items() if now - at >= SETTLE_S and (self._answered_at(s[0]) or 0) > at}
        overdue = any(now - at >= PATIENCE_S for at in waiting.values())
        if resolved and (overdue or len(resolved) == len(waiting)):
            self._routed |= resolved
            return self._render()
        return None

    def _wanted(self) -> list[Service]:
        try:
            services = sorted(dict(self._listed()).items())
        except Exception as error:  # noqa: BLE001 - whatever it is, what is routed now stays so
            if not self._complained:
                log.warning("The list of services can't be read now: %s", error)
            self._complained = True
            return sorted(self._defined)
        self._complained = False
        if wrong := [service for service in services if not valid(service)]:
            log.debug("Not listed: %s", wrong)
        return [service for service in services if valid(service)]

    def _render(self) -> str:
        return render_listed(sorted(self._defined), self._config, self._routed)
