"""A GitHub of prepared answers on the wire: the adapter, githubkit and httpx are the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.model import Repository
from infra.github import GithubkitGitHub

API = "https://api.github.com"
APP_ID = 99
INSTALLATION = 7


def in_future(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="session")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def repo() -> Repository:
    return Repository(id=501, owner="octo", name="hello", installation_id=INSTALLATION)


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """Strict: a request that no test prepared fails. Tokens are numbered as they are minted."""
    with respx.mock(base_url=API, assert_all_called=False) as router:
        numbers = count(1)

        async def mint(request: httpx.Request) -> httpx.Response:
            for _ in range(20):
                await asyncio.sleep(0)  # as on a real wire, other calls get their turn before the answer is there
            return httpx.Response(201, json={"token": f"ghs_{next(numbers)}", "expires_at": in_future(hours=1)})

        router.post(f"/app/installations/{INSTALLATION}/access_tokens", name="tokens").mock(side_effect=mint)
        yield router


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the adapter would have slept."""
    return []


@pytest.fixture
async def github(pem: str, pauses: list[float]) -> AsyncIterator[GithubkitGitHub]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    adapter = GithubkitGitHub(str(APP_ID), pem, sleep=sleep)
    yield adapter
    await adapter.aclose()
