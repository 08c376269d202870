"""Requests to GitHub as the App or as an installation: one pool of connections, bounded retries, and failures in
WhaleRay's words."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from githubkit import GitHub, Response
from githubkit.auth import AppAuthStrategy, UnauthAuthStrategy
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestError, RequestFailed

from bot.errors import Gone, Outage, WhaleRayError
from infra.github import failures
from infra.github.tokens import Tokens

RETRIES = 2
BUDGET_S = 8.0
"""A retry begins and ends within this many seconds of the call's start: a job has 30 s for all its calls."""
PAGE = 100
"""GitHub's largest page."""
PAGES = 30
"""Pages read of one listing, at most."""
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

Params = dict[str, str | int]
T = TypeVar("T")


def path(template: str, *values: object) -> str:
    """`template` with each `{}` filled and quoted: a branch `a/b#c` stays one segment, and `..` leads nowhere."""
    return template.format(*(_segment(str(value)) for value in values))


def _segment(value: str) -> str:
    return value.replace(".", "%2E") if value in (".", "..") else quote(value, safe="")


class _Kept(GitHub[UnauthAuthStrategy]):
    """githubkit keeps its HTTP client in a context variable: tasks begun elsewhere would connect anew each time.
    Retries and rate limits are `Client`'s."""

    def __init__(self, base_url: str, timeout_s: float) -> None:
        super().__init__(
            UnauthAuthStrategy(),
            base_url=base_url,
            user_agent="WhaleRay",
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            cache_strategy=MemCacheStrategy(),  # the default one is shared by every App of this process
            http_cache=False,
            auto_retry=False,
        )
        # An idle connection is kept for the next push: httpx would drop it after 5 s.
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60.0)
        self.http = httpx.AsyncClient(**self._get_client_defaults(), limits=limits)

    @asynccontextmanager
    async def get_async_client(self) -> AsyncGenerator[httpx.AsyncClient, None]:
        yield self.http

    def _check_rate_limit(self, response: Response[Any]) -> None:
        """`failures` reads the limits, also a `Retry-After` that is a date, which githubkit can't."""


class TooLarge(Exception):
    """An answer of more bytes than asked for."""


class _Stale(Exception):
    """GitHub refused an installation's token that it had given: a new one may do."""

    def __init__(self, failure: WhaleRayError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Client:
    """`installation` None in a call: as the App itself."""

    def __init__(
        self,
        strategy: AppAuthStrategy,
        api_url: str,
        timeout_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._github = _Kept(self.api_url, timeout_s)
        self._tokens = Tokens(self._github, self._github.http, strategy)
        self._timeout_s = timeout_s
        self._clock = clock
        self._sleep = sleep
        self._limited: dict[int | None, float] = {}
        """Epoch seconds until which GitHub wants to hear nothing: asking on at a limit gets an App banned."""

    async def aclose(self) -> None:
        await self._github.http.aclose()

    async def get(
        self, url: str, installation: int | None = None, *, most: int | None = None, **params: str | int
    ) -> httpx.Response:
        """`most`: bytes of answer to read at most; TooLarge beyond."""
        return await self.send("GET", url, installation, params=params, most=most)

    async def pages(
        self, url: str, installation: int | None = None, **params: str | int
    ) -> AsyncIterator[httpx.Response]:
        """Each page of a listing, by number, or by cursor where GitHub's `Link` has one."""
        here: Params = {"per_page": PAGE, **params}
        for number in range(1, PAGES + 1):
            response = await self.send("GET", url, installation, params=here)
            yield response
            following = response.links.get("next", {}).get("url")
            if following is None:
                return
            cursor = httpx.URL(following).params.get("cursor")
            here |= {"cursor": cursor} if cursor else {"page": number + 1}

    async def send(
        self,
        method: str,
        url: str,
        installation: int | None = None,
        *,
        body: dict[str, Any] | None = None,
        params: Params | None = None,
        again: bool = True,
        most: int | None = None,
    ) -> httpx.Response:
        """One call with its retries. `again`: doing it twice is doing it once; otherwise it is sent again only when it
        certainly never arrived. Raises Outage, Gone (`Absent`: nothing there), OurError."""

        async def once(seconds: float) -> httpx.Response:
            return await self._once(method, url, installation, body=body, params=params, most=most, seconds=seconds)

        return await self._retrying(once, again=again)

    async def source_token(self, installation: int, repository: int) -> str:
        """See `Tokens.for_source`."""

        async def once(seconds: float) -> str:
            async with self._failing(f"POST /app/installations/{installation}/access_tokens", seconds):
                return await self._tokens.for_source(installation, repository)

        return await self._retrying(once, again=True)

    async def warm(self, installation: int | None) -> None:
        """Have the token ready (and the connection, where it had to be asked for)."""

        async def once(seconds: float) -> None:
            async with self._failing("POST /app/installations/…/access_tokens", seconds):
                await self._authorization(installation)

        await self._retrying(once, again=True)

    async def _retrying(self, once: Callable[[float], Awaitable[T]], *, again: bool) -> T:
        """`once` is told how many seconds it has."""
        now = asyncio.get_running_loop().time
        began = now()
        renewed = False
        tries = 0
        left = self._timeout_s
        while True:
            try:
                return await once(left)
            except _Stale as stale:
                if renewed:
                    raise stale.failure from stale.__cause__
                renewed = True
            except failures.Transient as failure:
                pause = random.uniform(0.1, 0.4) * 2**tries  # noqa: S311 - jitter is no secret
                left = min(self._timeout_s, BUDGET_S - (now() - began) - pause)
                if tries == RETRIES or left <= 0 or (failure.arrived and not again):
                    raise
                await self._sleep(pause)
                tries += 1

    async def _once(
        self,
        method: str,
        url: str,
        installation: int | None,
        *,
        body: dict[str, Any] | None,
        params: Params | None,
        most: int | None,
        seconds: float,
    ) -> httpx.Response:
        if (left := self._limited.get(installation, 0.0) - self._clock()) > 0:
            raise Outage("GitHub's rate limit holds WhaleRay back.", f"It ends in {left:.0f} s.", retry_after=left)
        async with self._failing(f"{method} {url}", seconds) as progress:
            authorization = await self._authorization(installation)
            progress.sent = True
            try:
                answer = await self._github.arequest(
                    method,
                    url,
                    params=params or None,
                    json=body,
                    headers={"Authorization": authorization, **HEADERS},
                    stream=most is not None,
                )
            except RequestFailed as error:
                failure = failures.of_answer(error.response.raw_response, self._clock())
                if isinstance(failure, failures.Limited):
                    self._limited[installation] = self._clock() + failure.retry_after
                if installation is not None and await self._refused(installation, authorization, error, failure):
                    raise _Stale(failure) from error
                raise failure from error
            response = answer.raw_response
            if response.request.method != method:  # a redirect may turn a POST into a GET, which writes nothing
                raise Outage(f"GitHub redirects {method} {url}.", "The repository has probably been renamed just now.")
            return response if most is None else await _within(response, most)

    async def _authorization(self, installation: int | None) -> str:
        return await (self._tokens.of_app() if installation is None else self._tokens.of_installation(installation))

    async def _refused(
        self, installation: int, authorization: str, error: RequestFailed, failure: WhaleRayError
    ) -> bool:
        """Whether the token was refused and another may do. One that lacks a permission is given up too, so that the
        next call sees a permission that has been granted since."""
        status = error.response.status_code
        if status == 401 or (status == 403 and isinstance(failure, Gone)):
            await self._tokens.forget(installation, authorization)
        return status == 401

    @asynccontextmanager
    async def _failing(self, request: str, seconds: float) -> AsyncGenerator[_Progress, None]:
        """What goes wrong inside, within `seconds`, in WhaleRay's words."""
        progress = _Progress()
        try:
            async with asyncio.timeout(seconds):
                yield progress
        except RequestFailed as error:
            failure = failures.of_answer(error.response.raw_response, self._clock())
            if isinstance(failure, failures.Transient):
                failure.arrived &= progress.sent
            raise failure from error
        except (RequestError, TimeoutError, httpx.HTTPError) as error:
            cause = error.exc if isinstance(error, RequestError) else error
            missed = failures.of_network(cause, request)
            missed.arrived &= progress.sent
            raise missed from error


@dataclass
class _Progress:
    sent: bool = False
    """The request itself may have left, not only one for its token."""


async def _within(response: httpx.Response, most: int) -> httpx.Response:
    """The streamed response, read, unless it is longer than `most` bytes."""
    read = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            read += chunk
            if len(read) > most:
                raise TooLarge
    finally:
        await response.aclose()
    return httpx.Response(response.status_code, headers=_plain(response), content=bytes(read), request=response.request)


def _plain(response: httpx.Response) -> dict[str, str]:
    """Its headers, without what told how the body was packed: it is unpacked now."""
    packing = ("content-encoding", "content-length", "transfer-encoding")
    return {name: value for name, value in response.headers.items() if name not in packing}
