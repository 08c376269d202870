"""Settings, from the environment (`WHALERAY_…`) and `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError
from bot.language import Language

GITHUB = "https://api.github.com"
DEFAULT_HOME = Path.home() / ".whaleray"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WHALERAY_", env_file=".env", extra="ignore", env_ignore_empty=True)

    github_app_id: str = ""
    github_private_key: SecretStr = SecretStr("")
    github_private_key_file: Path | None = None
    github_webhook_secret: SecretStr = SecretStr("")
    github_client_id: str = ""
    github_client_secret: SecretStr = SecretStr("")
    github_api_url: str = GITHUB
    engine: Literal["auto", "process", "docker", "aws"] = "auto"
    home_dir: Path = DEFAULT_HOME
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    router_host: str = "127.0.0.1"
    router_port: int = Field(default=8000, ge=1, le=65535)
    dns_port: int = Field(default=8053, ge=1, le=65535)
    public_url: str = ""
    router_url: str = ""
    log_format: Literal["console", "json"] = "console"
    language: Language = "en"
    """Of what people read on GitHub."""
    build_timeout_s: int = Field(default=1800, ge=30, le=86_400)
    start_timeout_s: int = Field(default=300, ge=5, le=3600)
    bedrock_model_id: str = ""
    """A model or an inference profile of Bedrock; "" is none on one machine, and the default on AWS."""
    bedrock_region: str = ""
    """"": where the bot is."""
    aws_table_prefix: str = "whaleray-"
    aws_inbox_url: str = ""
    aws_inbox_dead_url: str = ""
    aws_view_url: str = ""
    aws_view_dead_url: str = ""
    aws_namespace_id: str = ""
    """Of Cloud Map's `whaleray.local`."""
    aws_router_list: str = ""
    """`s3://bucket/key`, as the router's tasks are told it."""
    aws_parameters: str = "/whaleray"
    """The path in SSM: secrets of services are under `/services`, settings of the bot itself under `/bot`."""
    aws_kms_key_id: str = ""
    """Encrypts the secrets of services; "" is the account's own key."""
    link_key: SecretStr = SecretStr("")
    """Signs links. One machine makes and keeps its own."""
    probe_token: SecretStr = SecretStr("")
    """Tells the router that the bot asks. One machine makes and keeps its own."""

    @property
    def services_url(self) -> str:
        """Where people reach services."""
        return (self.router_url or f"http://{self.router_host}:{self.router_port}").rstrip("/")

    @property
    def local_router_url(self) -> str:
        """Where the bot itself reaches the router of this machine."""
        host = "127.0.0.1" if self.router_host in ("0.0.0.0", "") else self.router_host  # noqa: S104
        return f"http://{host}:{self.router_port}"

    @property
    def own_url(self) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Several while rotating, comma-separated."""
        return tuple(s.strip() for s in self.github_webhook_secret.get_secret_value().split(",") if s.strip())

    def private_key(self) -> str:
        """The App's private key as PEM text. Raises SettingsError."""
        if inline := self.github_private_key.get_secret_value():
            return inline.replace("\\n", "\n")
        if self.github_private_key_file is None:
            raise SettingsError(
                "WHALERAY_GITHUB_PRIVATE_KEY_FILE is not set.",
                "The App signs its requests with its private key.",
                "Download the key on the App's settings page and name the file.",
            )
        try:
            return self.github_private_key_file.read_text()
        except OSError as error:
            raise SettingsError(
                f"The private key {self.github_private_key_file} can't be read.",
                f"{error.strerror}.",
                "Name the .pem file that GitHub gave for the App in WHALERAY_GITHUB_PRIVATE_KEY_FILE.",
            ) from error

    def problems(self) -> list[SettingsError]:
        """Everything that keeps `serve` from working, each with its mend."""
        found: list[SettingsError] = []
        if not self.github_app_id.strip().isdigit():
            found.append(
                SettingsError(
                    "WHALERAY_GITHUB_APP_ID is not set."
                    if not self.github_app_id
                    else "WHALERAY_GITHUB_APP_ID is no number.",
                    "",
                    "Take the App ID from the App's settings page, or make the App with `whaleray setup`.",
                )
            )
        try:
            _check_key(self.private_key())
        except SettingsError as error:
            found.append(error)
        if not self.webhook_secrets:
            found.append(
                SettingsError(
                    "WHALERAY_GITHUB_WEBHOOK_SECRET is not set.",
                    "Without it anyone could send webhooks.",
                    "Set the webhook secret of the App's settings page.",
                )
            )
        if self.engine == "aws":
            found.append(
                SettingsError(
                    "WHALERAY_ENGINE=aws is not available in this version.",
                    "",
                    "Use WHALERAY_ENGINE=docker or process, or leave it out.",
                )
            )
        return found


def _check_key(pem: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - 40 ms, only when checked
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise SettingsError(
            "The App's private key is not a PEM private key.",
            "It could not be parsed.",
            "Generate a new one under 'Private keys' on the App's settings page and use the whole file.",
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError("The App's private key is not an RSA key.", "GitHub signs with RS256.", "Use GitHub's own.")


def load() -> Settings:
    """Settings of this process. Raises SettingsError naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"WHALERAY_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}." for e in error.errors()]
        raise SettingsError("\n".join(lines), "", "Correct these in the environment or .env.") from error
