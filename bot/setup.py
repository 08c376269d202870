"""Making the GitHub App: its manifest filled in, its credentials kept in `.env`."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict

from bot.errors import UserError

ORGANISATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
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
    text = _manifest_text().replace("{public_url}", public_url.rstrip("/"))
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


def write_env(path: Path, credentials: Credentials, extra: dict[str, str]) -> None:
    """Add the credentials to `.env`, mode 0600, other lines kept. Raises UserError when it can't be written."""
    key_file = path.with_name("whaleray.pem").resolve()
    values = {
        "WHALERAY_GITHUB_APP_ID": str(credentials.id),
        "WHALERAY_GITHUB_PRIVATE_KEY_FILE": str(key_file),
        "WHALERAY_GITHUB_WEBHOOK_SECRET": credentials.webhook_secret,
        "WHALERAY_GITHUB_CLIENT_ID": credentials.client_id,
        "WHALERAY_GITHUB_CLIENT_SECRET": credentials.client_secret,
        **extra,
    }
    if any("\n" in value or "'" in value for value in values.values()):
        raise UserError("A credential that GitHub gave can't be kept in .env.", "It holds a quote or a line break.")
    try:
        kept = [line for line in path.read_text().splitlines() if line.partition("=")[0].strip() not in values]
    except FileNotFoundError:
        kept = []
    lines = [*kept, *(f"{name}='{value}'" for name, value in values.items())]
    try:
        _write(key_file, credentials.pem)
        _write(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise UserError(
            f"{path} can't be written.", f"{error.strerror}.", "Run whaleray setup in a directory of your own."
        ) from error


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for nobody else's eyes."""
    new = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.chmod(0o600)
    new.replace(path)
