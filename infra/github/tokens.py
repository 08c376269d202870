"""The App's JWT and its installations' tokens: githubkit signs, mints and keeps them; here they are minted one at a
time, and a refused one is given up."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import Any

import httpx
from githubkit import GitHub
from githubkit.auth import AppAuthStrategy, UnauthAuthStrategy
from githubkit.auth.app import AppAuth
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestFailed
from jwt.exceptions import PyJWTError
from pydantic import ValidationError

from bot.errors import Gone, Outage, SettingsError
from infra.github.answers import Token

SOURCE_PERMISSIONS: dict[str, str] = {"contents": "read"}


class _Auth(AppAuth):
    """Of a token's answer only the token and its end are read: githubkit's strict model would refuse a permission
    that is younger than it is."""

    def __repr__(self) -> str:
        return "_Auth()"  # the dataclass's own shows the private key

    def _parse_installation_auth_response(self, response: httpx.Response) -> Any:
        return self.github._check(response, response_model=Token)


class Tokens:
    """Values for the `Authorization` header. Raises SettingsError (the key can't sign), Gone (no such installation),
    and what `httpx` and githubkit raise when GitHub can't be asked."""

    def __init__(self, github: GitHub[UnauthAuthStrategy], http: httpx.AsyncClient, strategy: AppAuthStrategy) -> None:
        self._github = github
        self._http = http
        self._strategy = strategy
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of_app(self) -> str:
        return f"Bearer {await self._jwt(self._auth(self._github))}"

    async def of_installation(self, installation: int) -> str:
        """githubkit takes the one it keeps until a minute before its end, else mints one. However many ask at a time,
        one request is made: the others wait for it."""
        auth = self._auth(self._github, installation_id=installation)
        async with self._locks[installation]:
            return await self._drive(auth)

    async def for_source(self, installation: int, repository: int) -> str:
        """A token of its own, always new (so good for an hour), for reading that repository's contents only."""
        config = self._github.config.dict() | {"cache_strategy": MemCacheStrategy()}
        apart = GitHub(self._github.auth, config=type(self._github.config)(**config))
        auth = self._auth(
            apart, installation_id=installation, repository_ids=[repository], permissions=SOURCE_PERMISSIONS
        )
        return (await self._drive(auth)).removeprefix("token ")

    async def forget(self, installation: int, authorization: str) -> bool:
        """Give up a token that GitHub refused. False when there was none to give up; True also when another caller
        has replaced it already."""
        if not authorization:
            return False
        auth = self._auth(self._github, installation_id=installation)
        cache = await self._github.config.cache_strategy.get_async_cache_storage()
        key = auth._get_installation_cache_key()
        async with self._locks[installation]:
            if authorization == f"token {await cache.aget(key)}":
                await cache.aset(key, "", timedelta(seconds=-1))
        return True

    def _auth(self, github: GitHub[UnauthAuthStrategy], **scope: Any) -> _Auth:
        app = self._strategy
        return _Auth(github, app.app_id, app.private_key, app.client_id, app.client_secret, **scope)

    async def _drive(self, auth: _Auth) -> str:
        """Run githubkit's flow up to the request that it would authorise, which needn't be sent."""
        await self._jwt(auth)
        asked = httpx.Request("GET", self._github.config.base_url)
        flow = auth.async_auth_flow(asked)
        try:
            step = await anext(flow)
            while step is not asked:
                step = await flow.asend(await self._http.send(step))
        except RequestFailed as error:
            response = error.response.raw_response
            if response.status_code in (404, 410):
                raise Gone(
                    f"The App is not installed as {auth.installation_id} any more.",
                    "GitHub gives no token for it.",
                    "Install the App again to go on.",
                ) from error
            raise
        except ValidationError as error:
            raise Outage("GitHub's answer to a request for a token could not be read.") from error
        finally:
            await flow.aclose()
        return asked.headers["Authorization"]

    async def _jwt(self, auth: _Auth) -> str:
        try:
            return await auth.aget_jwt()
        except (PyJWTError, ValueError, TypeError) as error:
            raise SettingsError(
                "The App's private key can't sign.",
                "It is not a PEM private key of the RSA kind.",
                "Name the .pem file that GitHub gave for the App in WHALERAY_GITHUB_PRIVATE_KEY_FILE.",
            ) from error
