"""A thousand services on one machine, on a fake engine: what a tick costs, fifty pushes at once, and whether anything
grows faster than what it is about."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import leases, town, trace
from bench.figures import exponent, percentile
from bench.process import use
from bench.report import Report, Size
from bench.town import OWNER, Town
from bot.events import Tick, group_of
from bot.model import (
    Builder,
    BuildPlan,
    Cause,
    Deployment,
    EngineName,
    Pushes,
    Release,
    Repository,
    Service,
    Stage,
    StageTime,
)
from infra.embedded.queue import SqliteQueue
from infra.embedded.store import SqliteStore
from infra.sandbox.records import Repository as Known

PAST = 10
"""Deployments that each service has had."""
TICKS = 5
FIRST_ID = 10_000_000
"""Of repositories that only the store knows: the sandbox's own begin at 1."""
SUPERLINEAR = 1.3
"""An exponent above it is told as a fault: measurements of a few milliseconds are no better than that."""


@dataclass
class Ticked:
    services: int
    first_s: float
    """The first after a start, which also prunes."""
    later_s: list[float] = field(default_factory=list)

    @property
    def later_p50_s(self) -> float:
        return percentile(self.later_s, 0.5)


@dataclass(frozen=True)
class Burst:
    pushes: int
    first_check_s: float
    all_checks_s: float
    """From the first delivery to the last first check run."""
    all_running_s: float
    cpu_s: float
    deepest: dict[str, int]


def run(size: Size) -> Report:
    sizes = (10, 20) if size.quick else (100, 300, 1000)
    ticked = []
    for services in sizes:
        found, burst = _town(services, size.of(50, 5) if services == sizes[-1] else 0)
        ticked.append(found)
    depths = (100, 300) if size.quick else (100, 1_000, 10_000)
    with tempfile.TemporaryDirectory(prefix="whaleray-bench-") as directory:
        files = Path(directory)
        costs = {
            kind: [
                asyncio.run(leases.seconds(files / f"{grouped}-{depth}.db", depth, grouped=grouped)) for depth in depths
            ]
            for kind, grouped in (("a group for each", False), ("nine of ten in one group", True))
        }
        plan = asyncio.run(leases.plan(files / "plan.db"))
    return _report(ticked, burst, depths, costs, plan)


def _town(services: int, pushes: int) -> tuple[Ticked, Burst]:
    """A bot that finds so many services in its store when it starts."""
    burst = Burst(0, 0, 0, 0, 0, {})
    with town.faked(build_s=0.5) as (place, file):
        names = place.repositories(pushes, "burst") if pushes else []
        place.machine.stop_bot()
        known = [place.sandbox.world.repository(name) for name in names]
        asyncio.run(_populate(place.machine.home, services, known))
        place.machine.start_bot()
        asyncio.run(_ticks(place))
        if pushes:
            burst = _burst(place, names)
        place.machine.stop_bot()
        first, *later = _durations(trace.load(file))
    return Ticked(services, first, later), burst


def _service(repository: Repository, number: int) -> tuple[Service, list[Deployment]]:
    service_id = f"github_{number}-{repository.owner}-{repository.name}"
    plan = BuildPlan(builder=Builder.MAVEN, wrapper=True)
    past = []
    for age in range(PAST, 0, -1):
        name, sha, at = secrets.token_hex(16), secrets.token_hex(20), time.time() - 3600 * age
        stages = (Stage.INSPECTING, Stage.BUILDING, Stage.DEPLOYING, Stage.RUNNING)
        past.append(
            Deployment(
                id=name,
                repository_id=repository.id,
                service_id=service_id,
                cause=Cause(delivery=f"{name}-before", at=at),
                sha=sha,
                ref="main",
                stage=Stage.RUNNING,
                stage_times=tuple(StageTime(stage=stage, at=at + n) for n, stage in enumerate(stages)),
                plan=plan,
                release=Release(deployment=name, artifact="app.jar", size=1, sha=sha),
            )
        )
    service = Service(
        repository=repository,
        service_id=service_id,
        engine=EngineName.PROCESS,
        live_deployment=past[-1].id,
        listed=True,
        pushes=Pushes(),
    )
    return service, past


async def _populate(home: Path, services: int, known: Sequence[Known]) -> None:
    store = SqliteStore(home / "whaleray.db")
    repositories = [
        Repository(id=each.id, owner=OWNER, name=each.name, installation_id=1, private=True) for each in known
    ] + [
        Repository(id=FIRST_ID + number, owner=OWNER, name=f"app-{number}", installation_id=1, private=True)
        for number in range(services - len(known))
    ]
    try:
        for number, repository in enumerate(repositories):
            service, past = _service(repository, number)
            await asyncio.gather(store.put_service(service), *(store.put_deployment(each) for each in past))
    finally:
        await store.aclose()


async def _ticks(place: Town) -> None:
    """The bot's own comes at its start; the next ones are sent, one when the one before is done."""
    inbox = SqliteQueue(place.machine.home / "queue.db", "inbox")
    try:
        await _drained(place, inbox)
        for number in range(1, TICKS + 1):
            tick = Tick(at=time.time(), number=number)
            await inbox.send(tick, group=group_of(tick), key="tick")
            await _drained(place, inbox)
    finally:
        await inbox.aclose()


async def _drained(place: Town, inbox: SqliteQueue) -> None:
    deadline = time.monotonic() + 600
    while any((await inbox.depth()).values()):
        place.machine.alive()
        if time.monotonic() > deadline:
            raise TimeoutError(f"A tick did not end; the bot's log is {place.machine.log}.")
        await asyncio.sleep(0.05)


def _durations(saved: trace.Saved) -> list[float]:
    """Of each tick, from its lease to its acknowledgement."""
    found = []
    begun = 0.0
    for call in sorted(saved.calls, key=lambda each: each.ended):
        if not call.about.startswith("tick "):
            continue
        if call.name == "inbox.lease":
            begun = call.ended
        elif call.name == "inbox.ack":
            found.append(call.ended - begun)
    return found


class _Depths:
    """The most jobs that waited in each queue, looked at ten times a second."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.deepest: dict[str, int] = {}

    def __enter__(self) -> _Depths:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(sqlite3.connect(self._home / "queue.db")) as connection:
            while not self._stop.wait(0.1):
                for queue, count in connection.execute("SELECT queue, count(*) FROM jobs GROUP BY queue").fetchall():
                    self.deepest[queue] = max(self.deepest.get(queue, 0), count)


def _burst(place: Town, names: Sequence[str]) -> Burst:
    held = [(name, *place.held_back(name, 1)) for name in names]
    pid = place.machine.pid or 0
    since, cpu, began = len(place.sandbox.requests), use(pid).cpu_s, time.time()
    with _Depths(place.machine.home) as depths:
        for _, _, guids in held:
            place.tell(guids)
        for name, sha, _ in held:
            place.until(lambda name=name, sha=sha: place.running(name, sha), f"{name} to run", 600)  # type: ignore[misc]
        ended = time.time()
    created = [e.at - began for e in place.asked(since) if e.method == "POST" and e.template.endswith("/check-runs")]
    return Burst(len(names), min(created), max(created), ended - began, use(pid).cpu_s - cpu, depths.deepest)


def _report(
    ticked: Sequence[Ticked],
    burst: Burst,
    depths: Sequence[int],
    costs: dict[str, list[float]],
    plan: Sequence[str],
) -> Report:
    counts = [each.services for each in ticked]
    grown: dict[str, float] = {
        "first tick, with pruning": exponent(counts, [each.first_s for each in ticked]),
        "later ticks": exponent(counts, [each.later_p50_s for each in ticked]),
        **{f"lease, {kind}": exponent(depths, each) for kind, each in costs.items()},
    }
    lines = [
        f"Services with {PAST} past deployments each and one live, in the store when the bot starts; the engine is a"
        " fake.",
        "",
        "| services | first tick, with pruning, s | later ticks, p50 s |",
        "| ---: | ---: | ---: |",
        *(f"| {each.services} | {each.first_s:.2f} | {each.later_p50_s:.2f} |" for each in ticked),
        "",
        f"{burst.pushes} pushes at once to as many of {counts[-1]} repositories (builds of 0.5 s): the first check run"
        f" after {burst.first_check_s:.2f} s,",
        f"all of them after {burst.all_checks_s:.2f} s, all RUNNING after {burst.all_running_s:.2f} s;"
        f" {burst.cpu_s:.2f} s of processor time; most jobs at once: "
        + ", ".join(f"{name} {count}" for name, count in sorted(burst.deepest.items()))
        + ".",
        "",
        "To lease and acknowledge one job, milliseconds:",
        "",
        "| jobs that wait | " + " | ".join(costs) + " |",
        "| ---: |" + " ---: |" * len(costs),
    ]
    for number, depth in enumerate(depths):
        lines.append(f"| {depth:,} | " + " | ".join(f"{each[number] * 1000:.2f}" for each in costs.values()) + " |")
    lines += ["", "How SQLite looks for the next job:", "", *(f"- `{step}`" for step in plan), ""]
    lines += ["Growth (1 is linear): " + ", ".join(f"{name} {value:.2f}" for name, value in grown.items()) + "."]
    if faults := [name for name, value in grown.items() if value > SUPERLINEAR]:
        lines.append(f"Faster than linear: {', '.join(faults)}.")
    figures = {
        "ticks": [{"services": t.services, "first_s": t.first_s, "later_s": t.later_p50_s} for t in ticked],
        "burst": vars(burst),
        "leases_s": costs,
        "growth": grown,
    }
    return Report("A thousand services on one machine", lines, figures)
