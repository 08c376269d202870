"""nginx's configuration, rendered: the same for any number of services, on one machine and on AWS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from jinja2 import Environment, StrictUndefined, Template

SERVICE_ID = re.compile(r"github_[a-z0-9_-]{0,55}[a-z0-9]")
"""A DNS label of at most 63 characters; anything else would be a way into the configuration."""
KEEPALIVE_S = 4
"""Shorter than what servers keep an idle connection for (Node's 5 s, Tomcat's 20 s): a request that is not idempotent
would be lost on a connection that the application closes in the same moment."""

TOKEN = re.compile(r"[A-Za-z0-9]{16,128}")


@dataclass(frozen=True)
class RouterConfig:
    """`ttl_s` and `valid_s`: how long an answer of the DNS is kept, in seconds. `shutdown_s`: how long connections
    outlive a change of the configuration. `read_timeout_s`: the longest silence within an answer.

    `forwarded_proto` is what people's URLs begin with where TLS ends in front of the router, and `trusted_proxies`
    are the networks of what ends it there: only their X-Forwarded-For is believed.
    """

    state_dir: Path
    host: str
    port: int
    dns_port: int
    probe_token: str
    dns_host: str = "127.0.0.1"
    service_port: int = 8080
    domain: str = "whaleray.local"
    ttl_s: int = 1
    valid_s: int = 1
    resolver_timeout_s: int = 1
    workers: int = 2
    shutdown_s: int = 60
    read_timeout_s: int = 300
    forwarded_proto: Literal["http", "https"] | None = None
    trusted_proxies: tuple[str, ...] = ()
    log_to_stderr: bool = False

    def __post_init__(self) -> None:
        if not TOKEN.fullmatch(self.probe_token):
            raise ValueError("the probe token is 16 to 128 letters and digits")

    @property
    def drain_s(self) -> float:
        """How long an address may still be resolved after it has left the registry."""
        return self.ttl_s + self.valid_s + 1

    @property
    def main_file(self) -> Path:
        return self.state_dir / "nginx.conf"

    @property
    def listed_file(self) -> Path:
        return self.state_dir / "listed.conf"

    @property
    def error_log(self) -> Path:
        return self.state_dir / "error.log"

    @property
    def listen(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def resolver(self) -> str:
        return f"{_bracketed(self.dns_host)}:{self.dns_port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@cache
def _template() -> Template:
    text = (resources.files("router") / "nginx.conf.j2").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True).from_string(  # noqa: S701 - no HTML
        text
    )


def render_config(config: RouterConfig, files: int = 1024) -> str:
    """`files`: how many descriptors each worker may open."""
    return _template().render(config=config, files=files)


Service = tuple[str, int]
"""A service's id and port."""


def valid(service: Service) -> bool:
    return SERVICE_ID.fullmatch(service[0]) is not None and 0 < service[1] < 65536


def render_listed(services: Sequence[Service], config: RouterConfig, routed: Collection[Service] | None = None) -> str:
    """The services that are known, each with an upstream of its own. Requests go to the upstreams of those in `routed`
    (None: of all) and straight to the DNS's answer for all others: a new upstream takes a moment to resolve."""
    for service in services:
        if not valid(service):
            raise ValueError(f"{service[0]!r}:{service[1]} is no service")
    to = {s: f"up_{s[0]}" if routed is None or s in routed else f"{s[0]}.{config.domain}:{s[1]}" for s in services}
    targets = "".join(f'    "{service[0]}" "{target}";\n' for service, target in to.items())
    known = "".join(f'    "{service_id}" listed;\n' for service_id, _ in services)
    upstreams = "".join(
        f"upstream up_{service_id} {{\n"
        f"    zone up_{service_id} 64k;\n"
        f"    server {service_id}.{config.domain}:{port} resolve max_fails=0;\n"
        f"    keepalive 32;\n"
        f"    keepalive_timeout {KEEPALIVE_S}s;\n"
        f"}}\n"
        for service_id, port in services
    )
    text = (
        f"map $service_id $target {{\n"
        f'    default "$service_id.{config.domain}:{config.service_port}";\n'
        f"{targets}}}\n"
        f'map $service_id $listed {{\n    default "";\n{known}}}\n'
        f"{upstreams}"
    )
    # Whoever knows the token can see which list the workers go by.
    return (
        f'{text}map $http_x_whaleray_probe $list {{\n    default "";\n    "{config.probe_token}" {_digest(text)};\n}}\n'
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def list_digest(listed: str) -> str:
    """What the workers answer in `X-WhaleRay-List` once they go by `listed`, a text of `render_listed`."""
    return listed.rstrip("};\n").rsplit(" ", 1)[1]
