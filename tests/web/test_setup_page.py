"""Making the App: what is sent to GitHub, what comes back, and what is kept of it."""
# ruff: noqa: ASYNC240 - a file of three lines holds nobody up

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from bot import setup
from bot.errors import Outage, UserError
from bot.settings import Settings
from bot.setup import Credentials
from bot.setup_page import Flow, create_setup
from infra.github.manifest import convert
from infra.sandbox import Sandbox

PUBLIC_URL = "https://bot.example"
MADE = Credentials(
    id=7,
    slug="whaleray",
    html_url="https://github.com/apps/whaleray",
    client_id="Iv1",
    client_secret="client-secret",
    webhook_secret="webhook-secret",
    pem="-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n",
)


@dataclass
class Setup:
    flow: Flow
    http: httpx.AsyncClient
    done: list[Credentials] = field(default_factory=list)

    async def begin(self, **query: str) -> httpx.Response:
        return await self.http.get("/setup", params={"token": self.flow.token, **query})


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "github") as sandbox:
        sandbox.create_user("octocat")
        sandbox.create_organisation("octo-org")
        yield sandbox


@pytest.fixture
async def asked(github: Sandbox, env_file: Path) -> AsyncIterator[Setup]:
    done: list[Credentials] = []
    flow = Flow(
        public_url=PUBLIC_URL,
        web_url=github.url,
        convert=lambda code: convert(github.api_url, code),
        keep=lambda credentials: setup.write_env(env_file, credentials, {}),
        done=done.append,
    )
    transport = httpx.ASGITransport(create_setup(flow))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as http:
        yield Setup(flow, http, done)


def manifest_of(page: httpx.Response) -> tuple[str, str]:
    """Where the form is posted, and the manifest that it holds."""
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    manifest = re.search(r'name="manifest" value="([^"]+)"', page.text)
    assert action
    assert manifest
    return html.unescape(action[1]), html.unescape(manifest[1])


async def test_the_manifest_is_app_yml_with_the_bot_s_address(asked: Setup, github: Sandbox) -> None:
    page = await asked.begin()
    action, text = manifest_of(page)
    assert action == f"{github.url}/settings/apps/new?state={asked.flow.state}"
    manifest = json.loads(text)
    assert manifest["hook_attributes"] == {"url": f"{PUBLIC_URL}/webhook", "active": True}
    assert manifest["redirect_url"] == f"{PUBLIC_URL}/setup/callback"
    assert manifest["callback_urls"] == [f"{PUBLIC_URL}/signin/callback"]
    assert manifest["default_permissions"]["checks"] == "write"
    assert manifest["public"] is False
    assert "smee" not in page.text  # GitHub can reach that address


async def test_only_who_has_the_printed_address_begins(asked: Setup) -> None:
    for token in ("", "x", asked.flow.token[:-1], "é"):
        answer = await asked.http.get("/setup", params={"token": token})
        assert answer.status_code == 403
        assert "manifest" not in answer.text


async def test_an_organisation_owns_the_app_where_one_is_named(asked: Setup, github: Sandbox) -> None:
    action, _ = manifest_of(await asked.begin(organisation=" octo-org "))
    assert action == f"{github.url}/organizations/octo-org/settings/apps/new?state={asked.flow.state}"


@pytest.mark.parametrize("name", ["a/b", "../x", "a b", "-x", "x" * 40, "<b>", "a?state=x", "é"])
async def test_what_is_no_organisation_s_name_is_refused(asked: Setup, name: str) -> None:
    answer = await asked.begin(organisation=name)
    assert answer.status_code == 400
    assert "no organisation" in answer.text
    assert "<b>" not in answer.text


async def test_a_tunnel_takes_the_webhooks_where_github_can_t_reach_the_bot(github: Sandbox) -> None:
    flow = Flow("http://127.0.0.1:3000", github.url, lambda code: convert(github.api_url, code), print, print)
    transport = httpx.ASGITransport(create_setup(flow))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as http:
        page = await http.get("/setup", params={"token": flow.token})
        assert "https://smee.io/new" in page.text
        tunnel = "https://smee.io/AbC-1_2"
        page = await http.get("/setup", params={"token": flow.token, "webhook_url": tunnel})
    manifest = json.loads(manifest_of(page)[1])
    assert manifest["hook_attributes"]["url"] == tunnel
    assert manifest["redirect_url"] == "http://127.0.0.1:3000/setup/callback"
    assert f"--url {tunnel} --target http://127.0.0.1:3000/webhook" in page.text


@pytest.mark.parametrize(
    "tunnel",
    [
        "http://smee.io/x",
        "https://",
        "https://x y",
        "https://x/;rm -rf ~",
        "https://x/$(id)",
        'https://x/"><b>',
        "smee",
    ],
)
async def test_what_is_no_tunnel_s_address_is_refused(asked: Setup, tunnel: str) -> None:
    answer = await asked.begin(webhook_url=tunnel)
    assert answer.status_code == 400
    assert "<b>" not in answer.text


def test_an_address_can_t_break_out_of_the_manifest() -> None:
    hostile = 'https://x/"\npublic: true\n#\\'
    assert setup.manifest(hostile)["url"] == hostile
    assert setup.manifest(hostile)["public"] is False
    assert setup.manifest("https://x/")["url"] == "https://x"


async def test_the_page_may_post_to_github_and_nowhere_else(asked: Setup, github: Sandbox) -> None:
    page = await asked.begin()
    assert f"form-action 'self' {github.url};" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "strict-origin"  # the address holds the token


async def made(asked: Setup, github: Sandbox, organisation: str = "") -> str:
    """Say yes on GitHub's pages; the address that they lead back to."""
    action, manifest = manifest_of(await asked.begin(organisation=organisation))
    async with httpx.AsyncClient(trust_env=False) as person:
        asks = await person.post(action, data={"manifest": manifest}, headers={"Origin": PUBLIC_URL})
        assert asks.status_code == 200, asks.text
        await person.post(f"{github.url}/_user", data={"login": "octocat"}, headers={"Origin": github.url})
        fields = dict(re.findall(r'name="(owner|state)" value="([^"]*)"', asks.text))
        form = {"manifest": manifest, "name": "WhaleRay at acme", **fields}
        answer = await person.post(f"{github.url}/settings/apps", data=form, headers={"Origin": github.url})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


async def test_the_credentials_are_kept_for_their_owner_s_eyes(
    asked: Setup, github: Sandbox, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file.write_text(
        "# mine\nWHALERAY_PORT=4000\nexport WHALERAY_GITHUB_APP_ID=1\nWHALERAY_GITHUB_PRIVATE_KEY=old\n"
    )
    env_file.chmod(0o644)
    answer = await asked.http.get(await made(asked, github, "octo-org"))
    assert answer.status_code == 200
    assert f"{github.url}/apps/whaleray-at-acme/installations/new" in answer.text
    [app] = github.world.apps.values()
    key = env_file.with_name("whaleray.pem")
    assert [oct(path.stat().st_mode & 0o777) for path in (env_file, key)] == ["0o600", "0o600"]
    assert env_file.read_text().startswith("# mine\nWHALERAY_PORT=4000\n")
    for name in [name for name in os.environ if name.startswith("WHALERAY_")]:
        monkeypatch.delenv(name)
    settings = Settings(_env_file=env_file)
    assert (settings.github_app_id, settings.port) == (str(app.id), 4000)
    assert settings.private_key() == app.private_key_pem
    assert settings.webhook_secrets == (app.webhook_secret,)
    assert settings.github_client_secret.get_secret_value() == app.client_secret
    assert settings.problems() == []
    assert [each.slug for each in asked.done] == ["whaleray-at-acme"]
    for secret in (app.client_secret, app.webhook_secret, "PRIVATE KEY"):
        assert secret not in answer.text + repr(asked.done)


async def test_an_answer_that_was_not_asked_for_is_refused(asked: Setup, github: Sandbox, env_file: Path) -> None:
    back = await made(asked, github)
    for state in ("", "x", "0" * 64, "é"):
        forged = re.sub(r"state=[^&]*", f"state={state}", back)
        assert (await asked.http.get(forged)).status_code == 403
    assert not env_file.exists()
    assert asked.done == []
    assert (await asked.http.get(back)).status_code == 200


async def test_a_code_that_github_does_not_know_is_told_in_words(asked: Setup, env_file: Path) -> None:
    for code in ("", "nonsense", "../x", "a" * 300, "%2F"):
        answer = await asked.http.get(f"/setup/callback?code={code}&state={asked.flow.state}")
        assert answer.status_code == 403, code
        assert "GitHub did not give" in answer.text
    assert not env_file.exists()


async def test_an_outage_of_github_is_one(asked: Setup, github: Sandbox) -> None:
    back = await made(asked, github)
    with github.fail("POST /app-manifests/*/conversions", status=502):
        assert (await asked.http.get(back)).status_code == 502
    with github.fail("POST /app-manifests/*/conversions", drop="before"):
        assert (await asked.http.get(back)).status_code == 502
    with github.fail("POST /app-manifests/*/conversions", status=201, body={"id": 7}):
        answer = await asked.http.get(back)
    assert answer.status_code == 502
    assert "It lacks slug" in answer.text
    assert (await asked.http.get(back)).status_code == 200


def test_a_file_that_can_t_be_written_is_said_before_github_is_asked(tmp_path: Path) -> None:
    setup.check_writable(tmp_path / ".env")
    assert list(tmp_path.iterdir()) == []
    missing = tmp_path / "nowhere" / ".env"
    with pytest.raises(UserError, match="can't be kept"):
        setup.check_writable(missing)
    with pytest.raises(UserError, match="can't be kept"):
        setup.write_env(missing, MADE, {})
    binary = tmp_path / ".env"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="no text in UTF-8"):
        setup.check_writable(binary)
    assert binary.read_bytes() == b"\xff\xfe"


@pytest.mark.parametrize("secret", ["a'b", "a\nWHALERAY_HOST=0.0.0.0", "a\\b"])
def test_a_credential_can_t_add_a_line(tmp_path: Path, secret: str) -> None:
    with pytest.raises(UserError, match="WHALERAY_GITHUB_WEBHOOK_SECRET can't be kept"):
        setup.write_env(tmp_path / ".env", MADE.model_copy(update={"webhook_secret": secret}), {})
    assert list(tmp_path.iterdir()) == []


def test_an_enterprise_server_s_address_is_kept_with_them(tmp_path: Path) -> None:
    setup.write_env(tmp_path / ".env", MADE, {"WHALERAY_GITHUB_API_URL": "https://github.acme.example/api/v3"})
    assert "WHALERAY_GITHUB_API_URL='https://github.acme.example/api/v3'" in (tmp_path / ".env").read_text()


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:3000", "http://0.0.0.0:1"])
def test_github_can_t_reach_this_machine_s_own_addresses(url: str) -> None:
    assert setup.local(url)
    assert not setup.local("https://bot.example")


async def test_a_code_is_not_sent_where_it_does_not_belong(github: Sandbox) -> None:
    before = len(github.requests)
    with pytest.raises(UserError):
        await convert(github.api_url, "../../user")
    assert len(github.requests) == before
    with pytest.raises(Outage):
        await convert("http://127.0.0.1:9/api/v3", "code")


def test_the_manifest_of_a_checkout_is_app_yml() -> None:
    shown = yaml.safe_load((Path(__file__).parents[2] / "app.yml").read_text())
    assert setup.manifest("https://x")["default_events"] == shown["default_events"]
