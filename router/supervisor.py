"""Keeping the router running: one supervisor for each state directory, with the DNS in it and nginx beside it.

nginx is not the supervisor's to take along: when the supervisor is killed nginx serves on, and the next supervisor
takes it over.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from router.config import RouterConfig
from router.dns import DnsServer, Lookup, Zone
from router.errors import RouterError
from router.listing import Listed, Listing
from router.nginx import Nginx, end_leftovers, prepare
from router.processes import Lock, read_json, wait_until, write_whole

WATCH_S = 0.25
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 10.0
SETTLE_S = 3.0
"""Within this any DNS has answered, or its answer got lost."""
STEADY_S = 60.0
"""An nginx that ran this long starts its backoff anew."""
START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 15.0

log = logging.getLogger(__name__)


def run_router(config: RouterConfig, lookup: Lookup | None, listed: Listed) -> None:
    """Be the router until SIGTERM or SIGINT; a second one doesn't wait for open requests. Raises RouterError.

    `lookup` is None where the DNS at `config.resolver` is somebody else's.
    """
    config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _log_to_stderr()
    lock = _lock(config.state_dir)
    if not lock.take():
        raise RouterError(
            f"A router of {config.state_dir} is running already.",
            "",
            "There is nothing to do; end it with SIGTERM to start another.",
        )
    failure = config.state_dir / "failure.json"
    failure.unlink(missing_ok=True)
    try:
        lock.say(ready=False)
        with _told_to_stop() as stopping:
            _run(config, lookup, listed, lock, stopping)
    except RouterError as error:
        write_whole(failure, json.dumps({"what": error.what, "why": error.why, "mend": error.mend}))
        raise
    finally:
        lock.release()


def _run(config: RouterConfig, lookup: Lookup | None, listed: Listed, lock: Lock, stopping: _Stopping) -> None:
    prepare(config)
    nginx = Nginx(config)
    with _answering(config, lookup) as answered_at:
        supervision = Supervision(config, nginx, Listing(config, listed, answered_at, nginx.serves))
        supervision.begin()
        lock.say(ready=True)
        log.info("The router answers at http://%s", config.listen)
        while not stopping.once.wait(WATCH_S):
            supervision.step()
        # Only here: after any other end nginx serves on, and the next supervisor takes it over.
        nginx.end(config.shutdown_s + 1, stopping.twice.is_set)
    log.info("The router has ended")


@contextlib.contextmanager
def _answering(config: RouterConfig, lookup: Lookup | None) -> Iterator[Callable[[str], float | None]]:
    """The DNS; yields when (monotonic) it last answered for a service. Somebody else's is trusted to have done so."""
    if lookup is None:
        yield lambda _: time.monotonic() - SETTLE_S
        return
    zone = Zone(config.domain, config.ttl_s, lookup)
    dns = DnsServer(zone, config.dns_host, config.dns_port)
    try:
        yield zone.answered_at
    finally:
        dns.close()


class Supervision:
    """nginx alive and its configuration true, one look at a time."""

    def __init__(self, config: RouterConfig, nginx: Nginx, listing: Listing) -> None:
        self._config = config
        self._nginx = nginx
        self._listing = listing
        self._backoff = FIRST_BACKOFF_S
        self._due = 0.0
        self._started_at = 0.0

    def begin(self) -> None:
        """Raises RouterError."""
        if self._nginx.alive and self._nginx.current:
            log.info("nginx runs already and is taken over")
            if self._nginx.configured:
                self._listing.adopt(self._config.listed_file.read_text(encoding="utf-8"))
            else:
                self._nginx.change(self._listing.begin())
            return
        if self._nginx.alive:
            log.info("nginx is of another version and is replaced")
            self._nginx.retire()
        self._start()

    def step(self) -> None:
        try:
            if not self._nginx.alive:
                self._restart()
            elif (text := self._listing.step()) is not None:
                self._reload(text)
            self._nginx.rotate_log()
        except OSError as error:  # a full disk is no reason to stop what runs
            log.error("The router's files can't be written: %s", error)

    def _start(self) -> None:
        self._nginx.start(self._listing.begin())
        self._started_at = time.monotonic()

    def _restart(self) -> None:
        now = time.monotonic()
        if self._started_at and now - self._started_at > STEADY_S:
            self._backoff = FIRST_BACKOFF_S
        if now < self._due:
            return
        log.error("nginx is gone and is started again")
        self._due = now + self._backoff
        self._backoff = min(LONGEST_BACKOFF_S, self._backoff * 2)
        try:
            self._start()
        except RouterError as error:
            log.error("%s", error)

    def _reload(self, text: str) -> None:
        before = self._config.listed_file.read_text(encoding="utf-8")
        self._nginx.write(text)
        try:
            self._nginx.check()
        except RouterError as error:
            log.error("%s The services stay as they were listed.", error)
            self._nginx.write(before)
            return
        self._nginx.reload()


class _Stopping:
    """`once`: end when open requests have ended. `twice`: end now."""

    def __init__(self) -> None:
        self.once = threading.Event()
        self.twice = threading.Event()

    def __call__(self, number: int, frame: object) -> None:
        (self.twice if self.once.is_set() else self.once).set()


@contextlib.contextmanager
def _told_to_stop() -> Iterator[_Stopping]:
    stopping = _Stopping()
    before = {number: signal.signal(number, stopping) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def running(state_dir: Path) -> bool:
    """Whether a router of that state directory runs, or is about to."""
    return _lock(state_dir).held()


def stop(state_dir: Path, grace_s: float = END_TIMEOUT_S) -> None:
    """End the router of that state directory, and return when it has ended. Open requests get `grace_s` seconds."""
    lock = _lock(state_dir)
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGTERM, END_TIMEOUT_S), (signal.SIGKILL, 2.0)):
        wait_until(lambda: not lock.held() or lock.holder() is not None, 2)
        holder = lock.holder()
        if holder is None:
            break
        holder.send(number)
        wait_until(lambda ended=holder: not ended.alive, patience_s)  # type: ignore[misc]
    end_leftovers(state_dir)


def start_detached(argv: Sequence[str], state_dir: Path, environment: Mapping[str, str] | None = None) -> None:
    """Start `argv`, which calls `run_router` for that state directory, in a session of its own, and return when the
    router answers. Raises RouterError with the reason why it doesn't."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    output = state_dir / "router.log"
    lock = _lock(state_dir)
    descriptor = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    begin = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        process = subprocess.Popen(
            list(argv),
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    except OSError as error:
        raise RouterError("The router can't be started.", f"{argv[0]}: {error.strerror}.") from error
    finally:
        os.close(descriptor)
    # Where another router of the same directory was first, this one gives way and the other is as good.
    settled = wait_until(
        lambda: process.poll() is not None or lock.said(process.pid).get("ready", False), START_TIMEOUT_S
    )
    if settled and (process.poll() is None or wait_until(lambda: lock.said().get("ready", False), _patience(lock))):
        return
    if process.poll() is None:
        process.terminate()
        raise RouterError(f"The router does not answer within {START_TIMEOUT_S:.0f} s.", "", f"Its log is {output}.")
    reason = read_json(state_dir / "failure.json")
    if reason is not None:
        raise RouterError(str(reason.get("what")), str(reason.get("why")), str(reason.get("mend")))
    said = output.read_bytes()[begin:][-1000:].decode(errors="replace").strip()
    raise RouterError("The router ended as soon as it was started.", said, f"Its log is {output}.")


def _patience(lock: Lock) -> float:
    """How long to wait for a router that somebody else started."""
    return START_TIMEOUT_S if lock.held() else 0.0


def _lock(state_dir: Path) -> Lock:
    return Lock(state_dir / "router.lock")


def _log_to_stderr() -> None:
    logger = logging.getLogger("router")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
