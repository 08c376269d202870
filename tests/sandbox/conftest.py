"""A small town in the sandbox, a client that is not githubkit, and somebody who listens for webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from infra.sandbox import App, Sandbox, keys

FULL_NAME = "octo-org/hello"
FILES = {"README.md": b"# Hello\n", "src/Main.java": b"class Main {}\n", "mvnw": b"#!/bin/sh\n"}


@dataclass
class Listener:
    """Answers every delivery with `status`, and keeps what came: event, headers, body."""

    url: str
    status: int = 202
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.headers["X-GitHub-Event"], dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Listener(f"http://127.0.0.1:{server.server_port}/webhook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "github") as made:
        yield made


@dataclass
class Town:
    """`octo-org/hello` (private) with octocat as its administrator and the App installed; mona has nothing there."""

    sandbox: Sandbox
    app: App
    installation: int
    sha: str

    http: httpx.Client

    def jwt(self, app: App | None = None, **claims: Any) -> str:
        app, now = app or self.app, int(time.time())
        body = {"iat": now - 60, "exp": now + 540, "iss": str(app.app_id), **claims}
        return jwt.encode(
            {key: value for key, value in body.items() if value is not None}, app.private_key_pem, "RS256"
        )

    def as_app(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.call(method, path, f"Bearer {self.jwt()}", **more)

    def token(self, **scope: Any) -> str:
        answer = self.as_app("POST", f"/app/installations/{self.installation}/access_tokens", json=scope)
        answer.raise_for_status()
        return str(answer.json()["token"])

    def call(self, method: str, path: str, authorization: str | None = None, **more: Any) -> httpx.Response:
        """As the installation unless told otherwise; "" is nobody."""
        said = f"token {self.token()}" if authorization is None else authorization
        headers = {**({"Authorization": said} if said else {}), **more.pop("headers", {})}
        return self.http.request(method, self.sandbox.api_url + path, headers=headers, **more)


@pytest.fixture(scope="session")
def key_pair() -> tuple[str, str]:
    return keys.pair()


@pytest.fixture
def build(
    sandbox: Sandbox, key_pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Town]]:
    monkeypatch.setattr(keys, "pair", lambda: key_pair)  # making one takes a good part of a second

    def made(webhook_url: str = "http://127.0.0.1:9/webhook", **app: Any) -> Town:
        for login in ("octocat", "mona"):
            sandbox.create_user(login)
        sandbox.create_organisation("octo-org")
        sandbox.create_repository("octo-org", "hello", files=FILES, private=True)
        sandbox.grant(FULL_NAME, "octocat", "admin")
        registered = sandbox.create_app(webhook_url=webhook_url, **app)
        installation = sandbox.install("octo-org", [FULL_NAME], by="octocat")
        return Town(sandbox, registered, installation, sandbox.head(FULL_NAME), client)

    with httpx.Client(trust_env=False) as client:
        yield made


@pytest.fixture
def town(build: Callable[..., Town], sandbox: Sandbox) -> Iterator[Town]:
    """Nobody listens: deliveries fail, which most tests don't mind."""
    with sandbox.webhooks_down():
        yield build()
