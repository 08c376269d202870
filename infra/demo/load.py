"""People who use the service while it is replaced: requests without a pause, each failure counted."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import httpx

CLIENTS = 2
PAUSE_S = 0.02
"""The demonstration shares its processors with a build: a hundred requests a second are people enough."""


class Load:
    """`with Load(url) as load:` sends GETs from a few clients at once; `sent` and `failed` count them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        self.sent = 0
        self.failed = 0
        self.first_failure = ""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _run(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.wait(PAUSE_S):
                self._count(self._ask(client))

    def _ask(self, client: httpx.Client) -> str:
        """What went wrong; "" when nothing did."""
        try:
            answer = client.get(self._url)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return "" if answer.status_code == httpx.codes.OK else f"status {answer.status_code}"

    def _count(self, failure: str) -> None:
        with self._lock:
            self.sent += 1
            if failure:
                self.failed += 1
                self.first_failure = self.first_failure or failure
