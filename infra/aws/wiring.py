"""The adapters of AWS put together from settings: what `bot.wiring` and the Lambda entries call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from bot.diagnosis import RulesAnalyst
from bot.errors import SettingsError
from bot.language import speak
from bot.links import Links
from bot.model import EngineName
from bot.ports import Analyst, Engine, GitHub, Ports, SignIn
from bot.settings import Settings
from infra.aws.client import Client
from infra.aws.inbox import SqsInbox
from infra.aws.lazy import Lazy
from infra.aws.queue import QueueUrls
from infra.aws.registry import CloudMapRegistry
from infra.aws.secrets import SsmSecrets, parameters
from infra.aws.store import DynamoStore
from infra.aws.tables import Tables
from infra.aws.view import SqsView

_NEEDED = (
    "aws_inbox_url",
    "aws_inbox_dead_url",
    "aws_view_url",
    "aws_view_dead_url",
    "aws_namespace_id",
    "aws_router_list",
    "link_key",
    "probe_token",
    "router_url",
    "public_url",
)


@dataclass(frozen=True)
class AwsPorts:
    """`ports` with what has to be closed, or is more than a port."""

    ports: Ports
    links: Links
    store: DynamoStore
    inbox: SqsInbox
    view: SqsView
    registry: CloudMapRegistry
    github: Lazy

    async def close(self) -> None:
        await self.registry.aclose()
        if self.github.made:
            await self.github.aclose()


def problems(settings: Settings) -> list[SettingsError]:
    """What is missing for AWS, each with its mend."""
    missing = [name for name in _NEEDED if not _given(settings, name)]
    return [
        SettingsError(
            f"WHALERAY_{name.upper()} is not set.",
            "The bot on AWS needs it.",
            f"Terraform's outputs have it; keys and tokens belong to SSM, under {settings.aws_parameters}/bot.",
        )
        for name in missing
    ]


def _given(settings: Settings, name: str) -> bool:
    value = getattr(settings, name)
    return bool(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


async def settings_of(path: str, ssm: Client) -> Settings:
    """This process's environment, and what SSM keeps of it under `<path>/bot`: `github_private_key` and the like,
    which no environment should show."""
    kept = await parameters(ssm, f"{path}/bot")
    return Settings(**{name.lower(): value for name, value in kept.items()})  # type: ignore[arg-type]  # pydantic checks


def aws_ports(
    settings: Settings,
    *,
    engine: Callable[[], Engine],
    github: Callable[[], GitHub],
    sign_in: Callable[[], SignIn],
    clock: Callable[[], float] = time.time,
) -> AwsPorts:
    """`engine`, `github` and `sign_in` are made when they are first used. Raises SettingsError for what is missing."""
    if wrong := problems(settings):
        raise SettingsError("\n".join(str(each) for each in wrong))
    speak(settings.language)
    dynamodb, sqs = Client("dynamodb"), Client("sqs")
    tables = Tables.prefixed(settings.aws_table_prefix)
    links = Links(settings.link_key.get_secret_value().encode(), settings.own_url)
    store = DynamoStore(dynamodb, tables)
    inbox_urls = QueueUrls(settings.aws_inbox_url, settings.aws_inbox_dead_url)
    inbox = SqsInbox(sqs, dynamodb, inbox_urls, tables.jobs)
    view = SqsView(sqs, dynamodb, QueueUrls(settings.aws_view_url, settings.aws_view_dead_url), tables.jobs)
    registry = CloudMapRegistry(
        Client("servicediscovery"),
        Client("s3"),
        namespace_id=settings.aws_namespace_id,
        list_url=settings.aws_router_list,
        router_url=settings.services_url,
        probe_token=settings.probe_token.get_secret_value(),
    )
    lazy_github = Lazy(github)
    ports = Ports(
        store=store,
        inbox=inbox,
        view=view,
        engine=cast(Engine, Lazy(engine)),
        registry=registry,
        github=cast(GitHub, lazy_github),
        secrets=SsmSecrets(Client("ssm"), settings.aws_parameters, settings.aws_kms_key_id),
        analyst=cast(Analyst, Lazy(lambda: analyst(settings, on_aws=True))),
        sign_in=cast(SignIn, Lazy(sign_in)),
        clock=clock,
        engine_name=EngineName.AWS,
        services_url=settings.services_url,
        log_url=links.log,
        app_log_url=links.app_log,
        env_url=links.env,
        build_timeout_s=settings.build_timeout_s,
        start_timeout_s=settings.start_timeout_s,
    )
    return AwsPorts(ports, links, store, inbox, view, registry, lazy_github)


def analyst(settings: Settings, *, on_aws: bool = False) -> Analyst:
    """Bedrock with the rules behind it, where a model is named or the bot is on AWS; else the rules."""
    from bot.diagnosis.fallback import FallbackAnalyst  # noqa: PLC0415 - none of this acknowledges webhooks
    from infra.aws.bedrock import DEFAULT_MODEL, TIMEOUT_S, BedrockAnalyst  # noqa: PLC0415

    model = settings.bedrock_model_id or (DEFAULT_MODEL if on_aws else "")
    if not model or model == "none":
        return RulesAnalyst()
    client = Client("bedrock-runtime", region=settings.bedrock_region, read_timeout_s=TIMEOUT_S - 1, attempts=2)
    return FallbackAnalyst(BedrockAnalyst(client, model, settings.language), RulesAnalyst())
