"""The bot as rigs measure it: `python -m bench.bot` serves like `whaleray serve`, on a fake engine, and writes down
what each port was asked if `WHALERAY_BENCH_TRACE` names a file for it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import anyio

from bench.fakes import AgreeingRegistry, FakeEngine
from bench.trace import Trace
from bot import logs, wiring
from bot.ports import Ports
from bot.serve import listen, serve
from bot.settings import load

TRACE = "WHALERAY_BENCH_TRACE"
BUILD_S = "WHALERAY_BENCH_BUILD_S"


async def _ready() -> Sequence[str]:
    """There is no router that it could miss."""
    return ()


def main() -> None:
    settings = load()
    logs.configure(settings.log_format)
    file = os.environ.get(TRACE)
    trace = Trace() if file else None
    engine = FakeEngine(float(os.environ.get(BUILD_S, "0.05")))

    def wrap(ports: Ports) -> Ports:
        faked = dataclasses.replace(ports, engine=engine, registry=AgreeingRegistry(ports.registry))
        return trace.wrap(faked) if trace else faked

    sock = listen(settings.host, settings.port)
    running = dataclasses.replace(wiring.runtime(settings, wrap), ready=_ready)
    try:
        anyio.run(serve, running, "all", sock, backend_options={"use_uvloop": True})
    finally:
        if trace is not None and file:
            trace.save(Path(file))


if __name__ == "__main__":
    main()
