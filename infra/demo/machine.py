"""One machine with all of it: the sandbox GitHub and the real bot as a process of its own. The demonstration, the
story tests and the benches share it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import httpx

from bot.errors import OurError, UserError
from infra.sandbox import Sandbox

T = TypeVar("T")
START_S = 60.0
STOP_S = 15.0


class Machine:
    """`with Machine(home) as machine:` has the sandbox and the bot up; `close` ends every process it started.

    `entry`: the bot's command line, without the interpreter; tests put a saboteur before it.
    `end_services` is called at the end with the bot's environment: it ends router and applications.
    """

    def __init__(
        self,
        home: Path,
        *,
        end_services: Callable[[Mapping[str, str]], None],
        entry: Sequence[str] = ("-m", "bot", "serve"),
        extra: Mapping[str, str] | None = None,
        preferred: Sequence[int] = (0, 0, 0, 0),
    ) -> None:
        self.home = home
        self.entry = tuple(entry)
        self.log = home / "bot.log"
        self._end_services = end_services
        self._bot: subprocess.Popen[bytes] | None = None
        bot_port, router_port, dns_port, sandbox_port = (free_port(port) for port in preferred)
        self.bot_url = f"http://127.0.0.1:{bot_port}"
        self.router_url = f"http://127.0.0.1:{router_port}"
        self.sandbox = Sandbox(home / "github", sandbox_port)
        self.sandbox.start()
        app = self.sandbox.create_app(webhook_url=f"{self.bot_url}/webhook")
        self.webhook_secret = app.webhook_secret
        key = home / "app.pem"
        key.write_text(app.private_key_pem)
        key.chmod(0o600)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WHALERAY_")}
        self.environment: dict[str, str] = {
            **inherited,
            "WHALERAY_GITHUB_APP_ID": str(app.app_id),
            "WHALERAY_GITHUB_PRIVATE_KEY_FILE": str(key),
            "WHALERAY_GITHUB_WEBHOOK_SECRET": app.webhook_secret,
            "WHALERAY_GITHUB_CLIENT_ID": app.client_id,
            "WHALERAY_GITHUB_CLIENT_SECRET": app.client_secret,
            "WHALERAY_GITHUB_API_URL": self.sandbox.api_url,
            "WHALERAY_ENGINE": "process",
            "WHALERAY_HOME_DIR": str(home),
            # All that a `.env` in this directory could say of addresses otherwise: it is of another bot.
            "WHALERAY_HOST": "127.0.0.1",
            "WHALERAY_PORT": str(bot_port),
            "WHALERAY_PUBLIC_URL": self.bot_url,
            "WHALERAY_ROUTER_HOST": "127.0.0.1",
            "WHALERAY_ROUTER_PORT": str(router_port),
            "WHALERAY_ROUTER_URL": self.router_url,
            "WHALERAY_DNS_PORT": str(dns_port),
            **(extra or {}),
        }

    def __enter__(self) -> Self:
        try:
            self.start_bot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.stop_bot()
        self._end_services(self.environment)
        self.sandbox.stop()

    def start_bot(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as output:
            self._bot = subprocess.Popen(
                [sys.executable, *self.entry], env=self.environment, stdout=output, stderr=output
            )
        if wait:
            self.until(self._ready, "the bot to become ready", START_S)

    def stop_bot(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the bot; the services stay."""
        if self._bot is None:
            return
        self._bot.send_signal(number)
        try:
            self._bot.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._bot.kill()
            self._bot.wait()
        self._bot = None

    @property
    def pid(self) -> int | None:
        """The bot's, while it was not stopped."""
        return self._bot.pid if self._bot else None

    def exit_code(self) -> int | None:
        """The bot's, where it has ended."""
        return self._bot.poll() if self._bot else None

    def alive(self) -> None:
        """Raises OurError with the log's end when the bot has ended."""
        if (code := self.exit_code()) is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise OurError(f"The bot ended with exit code {code}.", f"Its log {self.log} ends with:\n{last}")

    def until(self, look: Callable[[], T | None], what: str, seconds: float, *, alive: bool = True) -> T:
        """What `look` returns as soon as that is true. Raises OurError after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if alive:
                self.alive()
            if found := look():
                return found
            time.sleep(0.02)
        raise OurError(f"Waited {seconds:.0f} s for {what}.", f"The bot's log is {self.log}.")

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.bot_url}/readyz", timeout=2).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


def free_port(preferred: int = 0) -> int:
    """The preferred port of 127.0.0.1 where it is free, else any. Raises UserError."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UserError("No port is free on 127.0.0.1.", "", "End some programs and try again.")
