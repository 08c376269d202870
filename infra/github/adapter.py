"""`bot.ports.GitHub` through githubkit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from githubkit.auth import AppAuthStrategy

from infra.github.checks import Checks
from infra.github.client import Client
from infra.github.conversation import Conversation
from infra.github.deliveries import Deliveries
from infra.github.deployments import Deployments
from infra.github.repositories import Repositories


class GithubkitGitHub(Repositories, Checks, Conversation, Deployments, Deliveries):
    """GitHub as an App sees it; keep one per process, and `aclose()` it.

    `api_url`: github.com's, a GHES's (`https://host/api/v3`) or a stand-in's. `timeout_s`: seconds for one attempt.
    `clock`: epoch seconds now. `sleep` waits between retries. A call's retries, two at most, all end within 8 s of its
    start. A rate limit is never slept out, but raised as `Outage` with `retry_after`, and until it is over that
    installation's calls raise it without asking.

    Every call may raise `Outage`, `Gone`, `OurError` (GitHub refused what was sent, in GitHub's words) and
    `SettingsError` (the private key can't sign). Credentials that GitHub refuses are an `Outage` too, so that work is
    kept until the operator has mended them; `ping` says it as a `SettingsError`.
    """

    def __init__(
        self,
        app_id: str,
        private_key: str,
        client_id: str = "",
        client_secret: str = "",
        api_url: str = "https://api.github.com",
        *,
        timeout_s: float = 10.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        strategy = AppAuthStrategy(app_id, private_key, client_id or None, client_secret or None)
        super().__init__(Client(strategy, api_url, timeout_s, clock, sleep), app_id, clock)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def warm(self, installation_id: int) -> None:
        """Fetch the installation's token beforehand, and open a connection."""
        await self._client.warm(installation_id)
