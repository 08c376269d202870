"""Making the GitHub App: its manifest filled in, its credentials kept in `.env`."""

from __future__ import annotations

import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict

from bot.errors import UserError

ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}")
PEM = "whaleray.pem"
INLINE_KEY = "WHALERAY_GITHUB_PRIVATE_KEY"
"""It would go before the file's."""
LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - recognised, not bound


class Credentials(BaseModel):
    """What GitHub answers when a manifest has become an App."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: int
    slug: str
    html_url: str
    client_id: str
    client_secret: str
    webhook_secret: str
    pem: str

    def __repr__(self) -> str:
        return f"Credentials(id={self.id}, slug={self.slug!r})"

    @property
    def install_url(self) -> str:
        return f"{self.html_url.rstrip('/')}/installations/new"


def manifest(public_url: str, webhook_url: str = "") -> dict[str, Any]:
    """`app.yml` for this bot. `webhook_url`: a tunnel's, where GitHub can't reach `public_url` itself."""
    # The placeholder stands in double quotes, where YAML escapes as JSON does.
    text = _manifest_text().replace("{public_url}", json.dumps(public_url.rstrip("/"))[1:-1])
    found: dict[str, Any] = yaml.safe_load(text)
    if webhook_url:
        found["hook_attributes"]["url"] = webhook_url
    return found


def _manifest_text() -> str:
    """In a checkout `app.yml` is at the top, where GitHub Apps have it; a wheel carries it beside the templates."""
    shipped = resources.files("templates") / "app.yml"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    return (Path(__file__).parent.parent / "app.yml").read_text(encoding="utf-8")


def new_app_url(web_url: str, organisation: str, state: str) -> str:
    """Where the manifest is posted. Raises UserError for what is no organisation's name."""
    if not organisation:
        return f"{web_url}/settings/apps/new?state={state}"
    if not ORGANISATION.fullmatch(organisation):
        raise UserError(f"{organisation[:40]!r} is no organisation's name.", "", "Use the name in its URL.")
    return f"{web_url}/organizations/{organisation}/settings/apps/new?state={state}"


def local(url: str) -> bool:
    """Whether GitHub can't reach it."""
    return (urlsplit(url).hostname or "localhost") in LOCAL


def check_writable(path: Path) -> None:
    """Raises UserError when the credentials could not be kept there: GitHub gives them once."""
    try:
        _kept(path)
        probe = path.with_name(f".whaleray-{os.getpid()}")
        _write(probe, "")
        probe.unlink()
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(path, error) from error


def write_env(path: Path, credentials: Credentials, extra: dict[str, str]) -> None:
    """Add the credentials to `.env`, mode 0600, other lines kept. Raises UserError when it can't be written."""
    key_file = path.with_name(PEM).resolve()
    values = {
        "WHALERAY_GITHUB_APP_ID": str(credentials.id),
        "WHALERAY_GITHUB_PRIVATE_KEY_FILE": str(key_file),
        "WHALERAY_GITHUB_WEBHOOK_SECRET": credentials.webhook_secret,
        "WHALERAY_GITHUB_CLIENT_ID": credentials.client_id,
        "WHALERAY_GITHUB_CLIENT_SECRET": credentials.client_secret,
        **extra,
    }
    for name, value in values.items():
        if any(character in value for character in "\n\r'\\"):
            raise UserError(
                f"{name} can't be kept in {path}.",
                "It holds a quote, a backslash or a line break.",
                "Run whaleray setup in a directory with a plain name.",
            )
    try:
        kept = [line for line in _kept(path) if _name(line) not in {*values, INLINE_KEY}]
        lines = [*kept, *(f"{name}='{value}'" for name, value in values.items())]
        _write(key_file, credentials.pem)
        _write(path, "\n".join(lines) + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(path, error) from error


def _kept(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _name(line: str) -> str:
    """The variable that a line of `.env` sets."""
    return line.partition("=")[0].strip().removeprefix("export ").strip()


def _unwritable(path: Path, error: OSError | UnicodeDecodeError) -> UserError:
    why = error.strerror if isinstance(error, OSError) else "It is no text in UTF-8"
    return UserError(
        f"The credentials can't be kept in {path.absolute()}.",
        f"{why}.",
        "Run whaleray setup in a directory of your own.",
    )


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for nobody else's eyes."""
    new = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.chmod(0o600)
    new.replace(path)
