"""Making Apps: at once, or of a manifest as GitHub's own flow does."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.setup import manifest as our_manifest
from infra.sandbox import keys
from infra.sandbox.owners import Owners
from infra.sandbox.records import Account, App

LONGEST_NAME = 34
"""GitHub's limit for an App's name."""
PERMISSION_LEVELS = ("read", "write", "admin")


class Registering(Owners):
    def create_app(
        self,
        *,
        webhook_url: str,
        name: str = "WhaleRay",
        owner: str = "whaleray",
        permissions: Mapping[str, str] | None = None,
        events: Sequence[str] | None = None,
        callback_urls: Sequence[str] | None = None,
        external_url: str = "",
        ping: bool = False,
    ) -> App:
        """As app.yml describes it, with the bot at the webhook's host, save for what is given."""
        parts = urlsplit(webhook_url)
        described = our_manifest(f"{parts.scheme}://{parts.netloc}")
        described["name"] = name
        described["hook_attributes"] = {"url": webhook_url}
        if permissions is not None:
            described["default_permissions"] = dict(permissions)
        if events is not None:
            described["default_events"] = list(events)
        if callback_urls is not None:
            described["callback_urls"] = list(callback_urls)
        if external_url:
            described["url"] = external_url
        with self.world.lock:
            app = self.register(described, self.world.account(owner) or self.create_organisation(owner))
            if ping:
                hook = {"type": "App", "id": app.id, "name": "web", "active": True, "events": list(app.events)}
                payload = {"zen": "It is a sandbox.", "hook_id": app.id, "hook": {**hook, "app_id": app.id}}
                self._hooks.deliver(app, "ping", payload, None, None)
            return app

    def register(self, manifest: Mapping[str, Any], owner: Account) -> App:
        """Raises ValueError for what is wrong with the manifest, as GitHub's page says it."""
        if wrong := problems(manifest):
            raise ValueError(" ".join(wrong))
        private, public = keys.pair()
        name = str(manifest["name"])
        with self.world.lock:
            number = self.world.new_id("app")
            slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            if any(each.slug == slug for each in self.world.apps.values()):
                slug = f"{slug}-{number}"
            app = App(
                id=number,
                slug=slug,
                name=name,
                owner=owner,
                bot=self._account(f"{slug}[bot]", "Bot"),
                private_key_pem=private,
                public_key_pem=public,
                webhook_url=str(manifest.get("hook_attributes", {}).get("url", "")),
                webhook_secret=secrets.token_hex(20),
                client_id=f"Iv23{secrets.token_hex(8)}",
                client_secret=secrets.token_hex(20),
                permissions={"metadata": "read", **manifest.get("default_permissions", {})},
                events=tuple(manifest.get("default_events", ())),
                created_at=self.world.now(),
                description=str(manifest.get("description", "")),
                external_url=str(manifest["url"]),
                callback_urls=tuple(manifest.get("callback_urls", ())),
            )
            self.world.apps[number] = app
            return app

    def register_by_manifest(self, manifest: Mapping[str, Any], owner: Account) -> str:
        """Returns the code that the maker exchanges, within an hour, for the App's credentials."""
        with self.world.lock:
            code = secrets.token_hex(20)
            self.world.manifests[code] = (self.register(manifest, owner), self.world.now())
            return code


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """What GitHub would not take, in sentences."""
    wrong = []
    name = manifest.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        wrong.append(f"The name must have 1 to {LONGEST_NAME} characters.")
    if not _is_url(manifest.get("url")):
        wrong.append("The url must be an http(s) address.")
    hook = manifest.get("hook_attributes", {})
    if not isinstance(hook, dict) or not _is_url(hook.get("url")):
        wrong.append("hook_attributes.url must be an http(s) address.")
    callbacks = manifest.get("callback_urls", [])
    if not isinstance(callbacks, list) or len(callbacks) > 10 or not all(_is_url(each) for each in callbacks):
        wrong.append("callback_urls must be at most ten http(s) addresses.")
    permissions = manifest.get("default_permissions", {})
    if not isinstance(permissions, dict) or not all(level in PERMISSION_LEVELS for level in permissions.values()):
        wrong.append("Each of default_permissions must be read, write or admin.")
    events = manifest.get("default_events", [])
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        wrong.append("default_events must be a list of names.")
    return wrong


def _is_url(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).netloc)
