"""From a push to the first 200 of the new version, against `./mvnw package` and `java -jar` by hand: the same commit of
a real Spring Boot application, the same goals, with an empty and with a filled Maven repository."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import anyio
import httpx

from bench import town
from bench.acks import CACHE
from bench.figures import RUNS, Compared, in_turns
from bench.report import Report, Size
from bench.town import AUTHOR, OWNER, Town
from bot.model import Deployment, Stage
from infra.demo import sample
from infra.demo.jdk import NEEDED, ensure_jdk
from infra.demo.machine import free_port
from infra.embedded.process import jdks
from infra.embedded.process.environment import allowed
from infra.embedded.process.proxies import maven_settings
from infra.embedded.store import SqliteStore

MOST = 1.10
PATIENCE_S = 900.0
LOOK_S = 0.01
GOALS = ("-B", "-ntp", "-DskipTests", "package")
"""As `bot.model.BuildPlan.command` has them."""


@dataclass(frozen=True)
class Took:
    """Seconds."""

    total: float
    before: float
    """Until the build began: webhook, inspection."""
    build: float
    start: float
    """From the built jar to the first 200."""


@dataclass(frozen=True)
class Both:
    cold: Took
    warm: Took


def run(size: Size) -> Report:
    found = jdks.choose(jdks.installed(os.environ, CACHE / "jdk"), NEEDED)
    jdk = ensure_jdk(CACHE / "jdk", found.home if found else None)
    files = sample.files(CACHE)
    with town.real(extra={"JAVA_HOME": str(jdk)}) as place, tempfile.TemporaryDirectory() as directory:
        turns = iter(range(1000))
        compared = in_turns(
            lambda: _ours(place, files, f"turn-{next(turns)}"),
            lambda: _by_hand(files, jdk, Path(directory) / f"turn-{next(turns)}"),
            size.of(RUNS, 1),
        )
    return _report(compared)


def _ours(place: Town, files: dict[str, bytes], name: str) -> Both:
    """A repository of its own, whose caches are empty at first: those of services are apart from each other."""
    (full_name,) = place.repositories(1, name)
    cold = _push(place, full_name, files, 1)
    warm = _push(place, full_name, files | sample.version(2, files), 2)
    place.quiet(1.0, PATIENCE_S)
    place.sandbox.delete_repository(full_name, by=AUTHOR)  # its application ends
    return Both(cold, warm)


def _push(place: Town, full_name: str, files: Mapping[str, bytes], version: int) -> Took:
    sha = place.sandbox.push(
        full_name, files, message=f"Version {version}", by=AUTHOR, executable={"mvnw"}, branch="main"
    )
    began = next(each.at for each in reversed(place.sandbox.deliveries("push")))
    service = place.sandbox.world.repository(full_name)
    with httpx.Client(timeout=5, trust_env=False) as client:
        url = f"{place.machine.router_url}/github_{place.sandbox.world.user(AUTHOR).id}-{OWNER}-{service.name}/"
        first = _first(client, url, version, place.machine.alive)
    place.until(lambda: place.running(full_name, sha), f"version {version} to run")
    stages = anyio.run(_stages, place.machine.home, service.id)
    building, deploying = stages[Stage.BUILDING], stages[Stage.DEPLOYING]
    return Took(first - began, building - began, deploying - building, first - deploying)


async def _stages(home: Path, repository_id: int) -> dict[Stage, float]:
    """When the newest deployment of the repository entered each."""
    store = SqliteStore(home / "whaleray.db")
    newest: Deployment = (await store.deployments_of(repository_id, limit=1))[0]
    await store.aclose()
    return {each.stage: each.at for each in newest.stage_times}


def _first(client: httpx.Client, url: str, version: int, alive: Callable[[], None]) -> float:
    """When that version answered with 200, epoch seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        alive()
        try:
            answer = client.get(url)
        except httpx.HTTPError:
            answer = None
        if answer is not None and answer.status_code == httpx.codes.OK and answer.json()["version"] == str(version):
            return time.time()
        time.sleep(LOOK_S)
    raise TimeoutError(f"{url} did not answer with version {version} in {PATIENCE_S:.0f} s.")


def _by_hand(files: dict[str, bytes], jdk: Path, directory: Path) -> Both:
    """Checked out already, as on one's own machine; the home directory, and Maven's repository in it, is new."""
    home = directory / "home"
    (home / ".m2").mkdir(parents=True)
    if (settings := maven_settings(os.environ)) is not None:
        (home / ".m2" / "settings.xml").write_text(settings)
    changed = files | sample.version(2, files)
    return Both(_build(files, jdk, home, directory / "cold", 1), _build(changed, jdk, home, directory / "warm", 2))


def _build(files: Mapping[str, bytes], jdk: Path, home: Path, source: Path, version: int) -> Took:
    for path, content in files.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
    (source / "mvnw").chmod(0o755)
    environment = allowed(os.environ) | {
        "HOME": str(home),
        "JAVA_HOME": str(jdk),
        "PATH": f"{jdk}/bin:{os.environ['PATH']}",
        "MAVEN_OPTS": f"-Duser.home={home}",
    }
    began = time.time()
    subprocess.run(
        ["./mvnw", *GOALS], cwd=source, env=environment, check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL
    )
    built = time.time()
    (jar,) = (source / "target").glob("*.jar")
    port = free_port()
    told = environment | {"SERVER_PORT": str(port), "SERVER_ADDRESS": "127.0.0.1"}
    application = subprocess.Popen(["java", "-jar", str(jar)], env=told, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(timeout=5, trust_env=False) as client:
            first = _first(client, f"http://127.0.0.1:{port}/", version, lambda: None)
    finally:
        application.send_signal(signal.SIGTERM)
        application.wait(timeout=30)
    return Took(first - began, 0.0, built - began, first - built)


def _report(compared: Compared[Both]) -> Report:
    cold, warm = compared.ratio(lambda run: run.cold.total), compared.ratio(lambda run: run.warm.total)
    lines = [
        "From the webhook of a push to the first 200 of its version through the router, against `./mvnw "
        + " ".join(GOALS)
        + "` and",
        "`java -jar` on a tree that is checked out already. Cold: an empty Maven repository, the wrapper's download"
        " included. Median of",
        f"{len(compared.ours)} runs of each in turns.",
        "",
        f"Cold: {cold:.2f}. Warm: {warm:.2f}. Wanted: at most {MOST:.2f}.",
        "",
        "| seconds | total | before the build | build | from the jar to the first 200 |",
        "| --- | ---: | ---: | ---: | ---: |",
        _row("WhaleRay, cold", [run.cold for run in compared.ours]),
        _row("by hand, cold", [run.cold for run in compared.theirs]),
        _row("WhaleRay, warm", [run.warm for run in compared.ours]),
        _row("by hand, warm", [run.warm for run in compared.theirs]),
        "",
        "WhaleRay's build holds the source's download, the sandbox's set-up and keeping the jar; its start holds the"
        " probe, the",
        "registry and the router's taking it up.",
    ]
    totals = {
        f"{who} {state}": [getattr(run, state).total for run in runs]
        for who, runs in (("ours", compared.ours), ("by hand", compared.theirs))
        for state in ("cold", "warm")
    }
    return Report(
        "Push to the first 200, against building by hand", lines, {"cold": cold, "warm": warm, "totals": totals}
    )


def _row(name: str, took: list[Took]) -> str:
    columns = ([t.total for t in took], [t.before for t in took], [t.build for t in took], [t.start for t in took])
    return f"| {name} | " + " | ".join(f"{median(column):.2f}" for column in columns) + " |"
