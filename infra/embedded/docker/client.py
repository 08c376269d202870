"""The Docker engine as this machine's socket gives it, and its errors in words."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import requests
from docker import APIClient
from docker.errors import APIError, DockerException

from bot.errors import OurError, Outage, WhaleRayError

DEFAULT_HOST = "unix:///var/run/docker.sock"
TIMEOUT_S = 8
"""Of one request. An engine's call may take 10 s in all."""


class Daemon:
    """Asked for by `DOCKER_HOST` of `environment`, else at the usual socket. Connects when it is first needed, and may
    be used by several threads."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, timeout_s: int = TIMEOUT_S) -> None:
        self._environment = dict(os.environ if environment is None else environment)
        self._timeout_s = timeout_s
        self._client: APIClient | None = None
        self._connecting = threading.Lock()

    @property
    def host(self) -> str:
        return self._environment.get("DOCKER_HOST") or DEFAULT_HOST

    @property
    def variables(self) -> dict[str, str]:
        """What a `docker` command needs so that it speaks to the same engine."""
        names = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
        return {name: self._environment[name] for name in names if self._environment.get(name)}

    def answers(self) -> bool:
        """Whether it does, and its containers can be reached from here."""
        try:
            with self.asked() as api:
                return out_of_reach(self.host, api.info()) is None
        except WhaleRayError:
            return False

    @contextlib.contextmanager
    def asked(self) -> Iterator[APIClient]:
        """The engine's API. Raises Outage where it doesn't answer, OurError where it refuses."""
        try:
            yield self._connected()
        except (DockerException, requests.RequestException) as error:
            raise in_words(error, self.host) from error

    def _connected(self) -> APIClient:
        with self._connecting:
            if self._client is None:
                self._client = docker.from_env(
                    environment=self.variables, timeout=self._timeout_s, max_pool_size=16, use_context=False
                ).api
            return self._client


def out_of_reach(host: str, info: Mapping[str, Any]) -> str | None:
    """Why containers have no addresses that this machine's router can reach; None where they have."""
    if not host.startswith("unix://"):
        return f"{host} is another machine's"
    if "Docker Desktop" in str(info.get("OperatingSystem")):
        return "Docker Desktop runs containers in a virtual machine"
    if any("name=rootless" in option for option in info.get("SecurityOptions") or ()):
        return "a rootless Docker has a network of its own"
    return None


def in_words(error: Exception, host: str) -> WhaleRayError:
    """What the SDK raised, for a person."""
    if isinstance(error, APIError):
        return _refused(error)
    causes = list(_chain(error))
    if any(isinstance(cause, requests.Timeout | TimeoutError) for cause in causes):
        return Outage("Docker is too slow.", f"It did not answer within {TIMEOUT_S} s.", "It is asked again.")
    number = next((cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno), None)
    if number in (errno.EACCES, errno.EPERM):
        return Outage(
            "Docker refuses this user.",
            f"WhaleRay may not open {host}.",
            "Add its user to the group docker (`usermod -aG docker USER`), then start WhaleRay from a new login.",
        )
    if number in (errno.ENOENT, errno.ECONNREFUSED):
        return Outage(
            "Docker does not answer.",
            f"Nothing listens at {host}.",
            "Start it (`systemctl start docker`); Debian's package is docker.io.",
        )
    return Outage("Docker does not answer.", f"{_last_words(causes)}.", f"Look at the Docker engine at {host}.")


def _refused(error: APIError) -> WhaleRayError:
    said = str(error.explanation or error).strip().rstrip(".")
    if "no space left on device" in said.lower():
        return Outage(
            "The disk is full.",
            f"Docker says: {said}.",
            "Whoever runs WhaleRay makes room where Docker keeps its images; `docker system df` shows what takes it.",
        )
    return OurError("Docker refused.", f"It says: {said}.", "Whoever runs WhaleRay finds more in Docker's own log.")


def explained(error: APIError) -> str:
    """What Docker says was wrong, without its layers of wrapping."""
    said = str(error.explanation or error).strip().rstrip(".")
    return said.rsplit("caused: ", 1)[-1].removesuffix(": unknown")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`requests` and urllib3 keep what went wrong partly as causes and partly among their arguments."""
    seen: set[int] = set()
    todo: list[BaseException] = [error]
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        linked = [one.__cause__, one.__context__, *one.args, getattr(one, "reason", None)]
        todo += [each for each in linked if isinstance(each, BaseException)]


def _last_words(causes: list[BaseException]) -> str:
    return str(causes[-1] or causes[0]).strip().rstrip(".")
