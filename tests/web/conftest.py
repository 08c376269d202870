"""The bot's web side in this process: the real application over real adapters, a sandbox for GitHub, no worker."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from bot import wiring
from bot.events import Event
from bot.model import EngineName, Repository, Service
from bot.serve import Runtime
from bot.settings import Settings
from bot.web import create_app
from infra.sandbox import Sandbox

OWN_URL = "https://bot.example"
"""People reach it by a proxy that ends TLS."""
SECRETS = ("older-secret", "newer-secret")
SERVICE = "github_1-octo-org-hello"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@dataclass
class Browser:
    """One person's: it keeps cookies, names the origin of forms, and follows nothing by itself."""

    app: FastAPI
    sandbox: Sandbox
    login: str
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=OWN_URL)

    async def get(self, url: str) -> httpx.Response:
        return await self.http.get(url)

    async def authorise(self, url: str, **changed: str) -> str:
        """Say yes on GitHub's page; the address that it leads to."""
        async with httpx.AsyncClient(trust_env=False) as github:
            assert (await github.get(url)).status_code == 200
            form = {**dict(parse_qsl(urlsplit(url).query)), "login": self.login, **changed}
            page = f"{self.sandbox.url}/login/oauth/authorize"
            answer = await github.post(page, data=form, headers={"Origin": self.sandbox.url})
            assert answer.status_code == 303, answer.text
            return answer.headers["location"]

    async def enter(self, link: str) -> httpx.Response:
        """Open a link, sign in, and come to the page."""
        begun = await self.get(link)
        assert begun.status_code == 303, begun.text
        back = await self.get(await self.authorise(begun.headers["location"]))
        return await self.get(back.headers["location"]) if back.status_code == 303 else back

    async def send(self, path: str, *, origin: str | None = OWN_URL, **form: str) -> httpx.Response:
        headers = {} if origin is None else {"Origin": origin}
        return await self.http.post(path, data=form, headers=headers)


@dataclass
class Site:
    sandbox: Sandbox
    runtime: Runtime
    app: FastAPI
    http: httpx.AsyncClient
    repository: Repository

    def browser(self, login: str) -> Browser:
        return Browser(self.app, self.sandbox, login)

    async def deliver(
        self, name: str, payload: object, *, secret: str = SECRETS[1], guid: str = GUID, **headers: str
    ) -> httpx.Response:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return await self.http.post("/webhook", content=body, headers={**signed(name, body, secret, guid), **headers})

    async def received(self) -> list[Event]:
        """All that waits in the inbox, taken out."""
        found: list[Event] = []
        while (job := await self.runtime.ports.inbox.lease(wait=0)) is not None:
            found.append(job.event)
            await self.runtime.ports.inbox.ack(job)
        return found


def signed(name: str, body: bytes, secret: str = SECRETS[1], guid: str = GUID) -> dict[str, str]:
    return {
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """octocat may write to octo-org/hello, mona may not."""
    with Sandbox(tmp_path_factory.mktemp("github")) as made:
        for login in ("octocat", "mona"):
            made.create_user(login)
        made.create_organisation("octo-org")
        made.create_app(webhook_url=f"{OWN_URL}/webhook")
        made.create_repository("octo-org", "hello", files={"README.md": b"# Hello\n"})
        made.grant("octo-org/hello", "octocat", "write")
        made.install("octo-org", ["octo-org/hello"], by="octocat")
        yield made
        assert not made.violations, made.violations


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path) -> Settings:
    app = next(iter(sandbox.world.apps.values()))
    return Settings(
        _env_file=None,
        github_app_id=str(app.id),
        github_private_key=SecretStr(app.private_key_pem),
        github_webhook_secret=SecretStr(", ".join(SECRETS)),
        github_client_id=app.client_id,
        github_client_secret=SecretStr(app.client_secret),
        github_api_url=sandbox.api_url,
        engine="process",
        home_dir=tmp_path / "home",
        public_url=OWN_URL,
    )


@pytest.fixture
async def site(sandbox: Sandbox, settings: Settings) -> AsyncIterator[Site]:
    runtime = wiring.runtime(settings)
    sandbox.grant("octo-org/hello", "octocat", "write")
    found = sandbox.world.repository("octo-org/hello")
    repository = Repository(
        id=found.id, owner="octo-org", name="hello", installation_id=sandbox.installation("octo-org").id
    )
    service = Service(repository=repository, service_id=SERVICE, engine=EngineName.PROCESS)
    await runtime.ports.store.put_service(service)
    app = create_app(runtime.ports, runtime.web, runtime.ready)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN_URL) as http:
        yield Site(sandbox, runtime, app, http, repository)
    await runtime.close()
