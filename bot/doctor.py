"""What `whaleray doctor` finds: one line a check, `ok` or what is wrong and what mends it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import SettingsError, WhaleRayError
from bot.settings import Settings


@dataclass(frozen=True)
class Check:
    """`problem` None: all is well, and `detail` says what was found."""

    name: str
    detail: str = ""
    problem: str | None = None

    @classmethod
    def wrong(cls, name: str, error: WhaleRayError) -> Check:
        return cls(name, problem=str(error))


def of_settings(settings: Settings) -> list[Check]:
    """The settings as they stand, nothing asked of the world."""
    wrong = [Check.wrong("settings", problem) for problem in settings.problems()]
    if not wrong:
        wrong = [Check("settings", f"App {settings.github_app_id}, state in {settings.home_dir.expanduser()}")]
    return [*wrong, *_reachable(settings)]


def _reachable(settings: Settings) -> list[Check]:
    """GitHub posts webhooks to `PUBLIC_URL`, people open services at `ROUTER_URL`: loopback addresses reach neither."""
    checks: list[Check] = []
    for name, value, who in (
        ("WHALERAY_PUBLIC_URL", settings.public_url, "GitHub can't send webhooks here"),
        ("WHALERAY_ROUTER_URL", settings.router_url, "the URLs in checks and comments work on this machine only"),
    ):
        if value.startswith(("http://", "https://")):
            checks.append(Check(name, value))
            continue
        what = f"{name} is not set: {who}." if not value else f"{name} is {value!r}, which is no http(s) URL."
        checks.append(
            Check.wrong(name, SettingsError(what, "", "Set it to the address that people reach this machine by."))
        )
    return checks
