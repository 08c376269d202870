"""Signing a person in by the App's own OAuth, with PKCE (githubkit's exchange has none). The person's token answers one
question, who they are, and is revoked at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import Outage, SettingsError, UserError
from infra.github.answers import Account, read

TIMEOUT_S = 8.0
_OPERATORS = frozenset({"incorrect_client_credentials", "redirect_uri_mismatch"})
"""Refusals that nobody who signs in can mend."""


class _Exchanged(BaseModel):
    """GitHub answers 200 also when it refuses, and then says why."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: str = ""
    error: str = ""
    error_description: str = ""


def web_url(api_url: str) -> str:
    """Where people are, by where the API is: github.com, a GHES's host, or a stand-in's."""
    parts = urlsplit(api_url)
    host = "github.com" if parts.netloc == "api.github.com" else parts.netloc
    return urlunsplit((parts.scheme, host, parts.path.removesuffix("/").removesuffix("/api/v3"), "", ""))


class GithubSignIn:
    """`bot.ports.SignIn`."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        api_url: str,
        make_client: Callable[[], httpx.AsyncClient] = lambda: httpx.AsyncClient(timeout=TIMEOUT_S),
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._api_url = api_url.rstrip("/")
        self._web_url = web_url(api_url)
        self._make_client = make_client

    def authorize_url(self, state: str, challenge: str, redirect_uri: str) -> str:
        if not self._client_id or not self._client_secret:
            raise SettingsError(
                "Signing in is not set up.",
                "The App's client id and client secret are missing.",
                "Set WHALERAY_GITHUB_CLIENT_ID and WHALERAY_GITHUB_CLIENT_SECRET from the App's settings page.",
            )
        asked = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._web_url}/login/oauth/authorize?{urlencode(asked)}"

    async def who(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The login of who signed in. Raises UserError when GitHub refuses the code, Outage when it doesn't answer."""
        try:
            async with self._make_client() as client:
                token = await self._exchange(client, code, verifier, redirect_uri)
                try:
                    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
                    answer = await client.get(f"{self._api_url}/user", headers=headers)
                finally:
                    await self._revoke(client, token)
        except httpx.HTTPError as error:
            raise Outage("GitHub can't be reached for signing in.", f"{type(error).__name__}.") from error
        login = read(Account, answer).login if answer.status_code == httpx.codes.OK else ""
        if not login:
            raise Outage("GitHub did not say who signed in.", f"It answered {answer.status_code}.")
        return login

    async def _exchange(self, client: httpx.AsyncClient, code: str, verifier: str, redirect_uri: str) -> str:
        answer = await client.post(
            f"{self._web_url}/login/oauth/access_token",
            data={
                "client_id": self._client_id,
                "client_secret": self._client_secret,
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            },
            headers={"Accept": "application/json"},
        )
        try:
            found = _Exchanged.model_validate_json(answer.content)
        except ValidationError as error:
            raise Outage("GitHub's answer to signing in could not be read.", f"Status {answer.status_code}.") from error
        if found.error in _OPERATORS:
            raise SettingsError(
                "GitHub does not let this App sign people in.",
                f"It said: {found.error_description or found.error}",
                "Whoever runs WhaleRay: hold WHALERAY_GITHUB_CLIENT_ID, WHALERAY_GITHUB_CLIENT_SECRET and the callback "
                f"URL {redirect_uri} against the App's settings page.",
            )
        if not found.access_token:
            raise UserError(
                "GitHub did not accept the sign-in.",
                found.error_description or f"It answered {answer.status_code}.",
                "Open the link on GitHub again.",
            )
        return found.access_token

    async def _revoke(self, client: httpx.AsyncClient, token: str) -> None:
        """A token that can't be revoked now ends by itself within 8 hours."""
        with contextlib.suppress(httpx.HTTPError):
            await client.request(
                "DELETE",
                f"{self._api_url}/applications/{self._client_id}/token",
                auth=(self._client_id, self._client_secret),
                json={"access_token": token},
            )
