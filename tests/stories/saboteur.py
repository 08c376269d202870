"""The bot, killed on purpose: `python -m tests.stories.saboteur` serves like `whaleray serve`, and ends itself with
SIGKILL before or after a call of a port. `WHALERAY_TEST_KILLS` names a file with one `port.method:before|after` a line;
each line is used up by the kill that it caused, so that the next process goes on to the next line."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import signal
from pathlib import Path
from typing import Any

import anyio

from bot import logs, wiring
from bot.ports import Ports
from bot.serve import listen, serve
from bot.settings import load

PORTS = ("store", "inbox", "view", "engine", "registry", "github", "secrets", "analyst")
KILLS = "WHALERAY_TEST_KILLS"


class Plan:
    """What is to be killed next, read anew for each process."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def maybe(self, call: str, when: str) -> None:
        """End this process at once, if that is what comes next."""
        lines = self._file.read_text().splitlines()
        if lines and lines[0] == f"{call}:{when}":
            new = self._file.with_suffix(".new")
            new.write_text("".join(f"{line}\n" for line in lines[1:]))
            new.replace(self._file)
            os.kill(os.getpid(), signal.SIGKILL)


class Sabotaged:
    """A port whose coroutine methods may be the last thing that the process does."""

    def __init__(self, name: str, port: Any, plan: Plan) -> None:
        self._name = name
        self._port = port
        self._plan = plan

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        if not inspect.iscoroutinefunction(real):
            return real
        call = f"{self._name}.{method}"

        @functools.wraps(real)
        async def sabotaged(*args: Any, **kwargs: Any) -> Any:
            self._plan.maybe(call, "before")
            result = await real(*args, **kwargs)
            self._plan.maybe(call, "after")
            return result

        return sabotaged


def main() -> None:
    plan = Plan(Path(os.environ[KILLS]))

    def wrap(ports: Ports) -> Ports:
        changes: dict[str, Any] = {name: Sabotaged(name, getattr(ports, name), plan) for name in PORTS}
        return dataclasses.replace(ports, **changes)

    settings = load()
    logs.configure(settings.log_format)
    sock = listen(settings.host, settings.port)
    wiring.ensure_router(settings)
    anyio.run(serve, wiring.runtime(settings, wrap), "all", sock, backend_options={"use_uvloop": True})


if __name__ == "__main__":
    main()
