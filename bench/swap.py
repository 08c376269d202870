"""The router against nginx as one would write it by hand for one application, and a service that is replaced twenty
times under steady load."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx

from bench import fixture, nginx, town
from bench.figures import RUNS, Compared, Spread, in_turns
from bench.load import Driven, drive
from bench.report import Report, Size
from bot import wiring
from bot.settings import Settings
from infra.demo.load import Load
from infra.demo.machine import free_port
from infra.embedded.home import state_directory
from router.supervisor import start_detached, stop

CONNECTIONS = 64
SECONDS = 6
SERVICE, ADDRESS = "github_1-octo-org-hello", "127.0.0.77"
REDEPLOYS = 20


@dataclasses.dataclass(frozen=True)
class Swapped:
    redeploys: int
    sent: int
    failed: int
    first_failure: str
    seconds: Spread


def run(size: Size) -> Report:
    seconds, runs = size.of(SECONDS, 2), size.of(RUNS, 1)
    with _both() as (ours, theirs):
        compared = in_turns(
            lambda: drive(ours, connections=CONNECTIONS, seconds=seconds),
            lambda: drive(theirs, connections=CONNECTIONS, seconds=seconds),
            runs,
        )
    return _report(compared, _redeploys(size.of(REDEPLOYS, 2)))


@contextlib.contextmanager
def _both() -> Iterator[tuple[str, str]]:
    """The URLs of one application: through WhaleRay's router, and through the other."""
    with tempfile.TemporaryDirectory(prefix="whaleray-bench-") as directory:
        home = Path(directory)
        settings = Settings(home_dir=home / "state", router_port=free_port(), dns_port=free_port())
        port = free_port()
        known = wiring.registry(settings, state_directory(settings))
        workers = wiring.router_config(settings, home / "state").workers

        async def register() -> None:
            await known.publish([(SERVICE, port)])
            await known.register(SERVICE, [ADDRESS], port)
            await known.aclose()

        anyio.run(register)
        with (
            nginx.application(home / "application", ADDRESS, port),
            nginx.proxy(home / "proxy", ADDRESS, port, workers) as theirs,
        ):
            told = {"HOME_DIR": settings.home_dir, "ROUTER_PORT": settings.router_port, "DNS_PORT": settings.dns_port}
            environment = os.environ | {f"WHALERAY_{name}": str(value) for name, value in told.items()}
            start_detached([sys.executable, "-m", "bot", "router"], home / "state" / "router", environment)
            try:
                ours = f"{settings.local_router_url}/{SERVICE}/"
                _answers(ours)
                _routed(home / "state" / "router" / "listed.conf")
                yield ours, theirs
            finally:
                stop(home / "state" / "router")


def _answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5, trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer with 200 in 30 s.")


def _routed(listed: Path) -> None:
    """A new service goes straight to the DNS's answer until its upstream has resolved."""
    deadline = time.monotonic() + 30
    while f'"{SERVICE}" "up_{SERVICE}"' not in listed.read_text():
        if time.monotonic() > deadline:
            raise TimeoutError("The router did not take the service's upstream up in 30 s.")
        time.sleep(0.1)


def _redeploys(count: int) -> Swapped:
    with town.real() as place:
        (name,) = place.repositories(1, "swapped")
        _deploy(place, name, 0)
        (deployment,) = place.sandbox.deployments(name)
        url = next(str(s["environment_url"]) for s in deployment["statuses"] if s["environment_url"])
        with Load(url) as load:
            took = [_deploy(place, name, version) for version in range(1, count + 1)]
        return Swapped(count, load.sent, load.failed, load.first_failure, Spread.of(took))


def _deploy(place: town.Town, name: str, version: int) -> float:
    """Seconds from the push to RUNNING."""
    began = time.monotonic()
    sha = place.push(name, version, fixture.files(str(version)))
    place.until(lambda: place.running(name, sha), f"version {version} to run")
    return time.monotonic() - began


def _report(compared: Compared[Driven], swapped: Swapped) -> Report:
    rate, p99 = compared.medians(lambda run: run.a_second), compared.medians(lambda run: run.p99_s)
    ratio = compared.ratio(lambda run: run.a_second)
    errors = sum(run.errors for run in compared.ours), sum(run.errors for run in compared.theirs)
    lines = [
        f"{CONNECTIONS} connections, an application that answers at once (nginx); median of {len(compared.ours)} runs"
        " of each",
        "in turns, with as many workers. The peer is a `proxy_pass` to one fixed address with keep-alive.",
        "",
        "| | a second | p99 ms | errors |",
        "| --- | ---: | ---: | ---: |",
        f"| WhaleRay's router | {rate[0]:,.0f} | {p99[0] * 1000:.2f} | {errors[0]} |",
        f"| nginx by hand | {rate[1]:,.0f} | {p99[1] * 1000:.2f} | {errors[1]} |",
        "",
        f"Ratio: {ratio:.2f}; of the p99: {p99[0] / p99[1]:.2f}.",
        "",
        f"{swapped.redeploys} redeploys (real engine, router and JVMs; the build packs what was compiled before) under"
        f" steady load: {swapped.sent:,} requests,",
        f"{swapped.failed} failed{f' ({swapped.first_failure})' if swapped.failed else ''}. From the push to RUNNING,"
        f" with the old version's drain: p50 {swapped.seconds.p50:.1f} s, most {swapped.seconds.most:.1f} s.",
    ]
    figures = {"ratio": ratio, "ours": rate[0], "theirs": rate[1], "sent": swapped.sent, "failed": swapped.failed}
    return Report("The router, and replacing what is behind it", lines, figures)
