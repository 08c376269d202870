"""The App's own deliveries and installations: what catch-up and `whaleray doctor` ask."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from pydantic import TypeAdapter

from bot.errors import Outage, SettingsError
from bot.model import Installation
from infra.github.answers import App, DeliveryAnswer, InstallationAnswer, read
from infra.github.base import Part
from infra.github.client import path

KEPT_S = 3 * 86_400
"""GitHub keeps deliveries for redelivery this long."""
SKEW_S = 60.0
"""A clock that is further off than this makes signatures that GitHub refuses: it is sent back-dated by 60 s."""

_DELIVERIES = TypeAdapter(list[DeliveryAnswer])
_INSTALLATIONS = TypeAdapter(list[InstallationAnswer])


class Deliveries(Part):
    async def missed_deliveries(self, since: float) -> Sequence[int]:
        """One id for each GUID of which no delivery got a 2xx, oldest first. At most the newest 3,000
        deliveries are looked through."""
        since = max(since, self._clock() - KEPT_S)
        first: dict[str, tuple[float, int]] = {}
        succeeded: set[str] = set()
        async for page in self._client.pages("/app/hook/deliveries"):
            for each in (listed := read(_DELIVERIES, page)):
                at = each.delivered_at.timestamp()
                if at < since:
                    continue
                if each.succeeded:
                    succeeded.add(each.guid)
                first[each.guid] = (at, each.id)  # newest first: the oldest stays
            if any(each.delivered_at.timestamp() < since for each in listed):
                break
        return [number for _, number in sorted(at for guid, at in first.items() if guid not in succeeded)]

    async def redeliver(self, delivery_id: int) -> None:
        """Sent once; whether it arrived shows at the next `missed_deliveries`."""
        await self._client.send("POST", path("/app/hook/deliveries/{}/attempts", delivery_id), again=False)

    async def installations(self) -> Sequence[Installation]:
        """Where the App is installed, by GitHub's account. The installing user is known from webhooks only."""
        return [
            Installation(
                id=each.id,
                account=each.account.login if each.account else "",
                account_id=each.account.id if each.account else 0,
                suspended=each.suspended_at is not None,
            )
            async for page in self._client.pages("/app/installations")
            for each in read(_INSTALLATIONS, page)
        ]

    async def ping(self) -> str:
        """Ask GitHub who the App is: its slug. Raises SettingsError for a wrong key, App id or clock, Outage when
        GitHub can't be reached."""
        try:
            response = await self._client.get("/app")
        except Outage as error:
            if error.what == "GitHub does not accept the App's credentials.":
                raise SettingsError(error.what, error.why, error.mend) from error
            raise
        app = read(App, response)
        self._app = app
        if "date" in response.headers:
            ahead = self._clock() - parsedate_to_datetime(response.headers["date"]).timestamp()
            if abs(ahead) > SKEW_S:
                raise SettingsError(
                    f"This machine's clock is {abs(ahead):.0f} s {'fast' if ahead > 0 else 'slow'}.",
                    "GitHub refuses requests that are signed with a wrong time.",
                    "Set the clock (NTP).",
                )
        return app.slug
