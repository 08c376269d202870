"""Signing people in for an App (OAuth with PKCE), and the tokens that come of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from infra.sandbox.records import Account, App, Grant, UserToken
from infra.sandbox.world import World

CODE_S = 600
"""A code is good for ten minutes, once."""
TOKEN_S = 8 * 3600
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def app_of(world: World, client_id: str) -> App | None:
    return next((each for each in world.apps.values() if each.client_id == client_id), None)


def callback(app: App, asked: str) -> str | None:
    """Where to go after signing in: what is asked for if the App has registered it or something above it (on loopback
    addresses the port may differ), its first callback if nothing is; None: refused."""
    if not asked:
        return app.callback_urls[0] if app.callback_urls else None
    here = urlsplit(asked)
    for registered in app.callback_urls:
        there = urlsplit(registered)
        ports_differ = here.hostname in _LOOPBACK and here.hostname == there.hostname
        same_host = here.netloc == there.netloc or ports_differ
        below = here.path == there.path or here.path.startswith(f"{there.path.rstrip('/')}/")
        if here.scheme == there.scheme and same_host and below and ".." not in here.path:
            return asked
    return None


def grant(world: World, app: App, user: Account, redirect_uri: str, challenge: str) -> str:
    """The code that the App exchanges for a token. `challenge`: PKCE's, by S256; "" for none."""
    code = secrets.token_hex(10)
    world.grants[code] = Grant(app, user, redirect_uri, challenge, world.now() + CODE_S)
    return code


def exchange(world: World, form: Mapping[str, str]) -> dict[str, object]:
    """GitHub's answer, which is 200 also when it refuses."""
    app = app_of(world, form.get("client_id", ""))
    if app is None or not hmac.compare_digest(app.client_secret.encode(), form.get("client_secret", "").encode()):
        return _refused("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")
    found = world.grants.pop(form.get("code", ""), None)
    if found is None or found.app is not app or found.expires_at <= world.now():
        return _refused("bad_verification_code", "The code passed is incorrect or expired.")
    if form.get("redirect_uri", found.redirect_uri) != found.redirect_uri:
        return _refused("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL.")
    if found.challenge and not hmac.compare_digest(_challenge(form.get("code_verifier", "")), found.challenge.encode()):
        return _refused("bad_verification_code", "The code_verifier does not fit the code_challenge.")
    token = f"ghu_{secrets.token_hex(18)}"
    world.user_tokens[token] = UserToken(found.user, app, world.now() + TOKEN_S)
    return {"access_token": token, "expires_in": TOKEN_S, "scope": "", "token_type": "bearer"}


def _challenge(verifier: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _refused(error: str, description: str) -> dict[str, object]:
    documentation = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting"
    return {"error": error, "error_description": description, "error_uri": documentation}
