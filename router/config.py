"""nginx's configuration, rendered: the same for any number of services, on one machine and on AWS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

SERVICE_ID = re.compile(r"github_[a-z0-9_-]{0,55}[a-z0-9]")
"""A DNS label of at most 63 characters; anything else would be a way into the configuration."""


@dataclass(frozen=True)
class RouterConfig:
    """`ttl_s` and `valid_s`: how long an answer of the DNS is kept, in seconds."""

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
    workers: int = 2

    @property
    def drain_s(self) -> float:
        """How long an address may still be resolved after it has left the registry."""
        return self.ttl_s + self.valid_s + 1

    @property
    def listed_file(self) -> Path:
        return self.state_dir / "listed.conf"


@cache
def _template() -> Template:
    text = (resources.files("router") / "nginx.conf.j2").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True).from_string(  # noqa: S701 - no HTML
        text
    )


def render_config(config: RouterConfig) -> str:
    return _template().render(config=config)


def render_listed(services: Sequence[tuple[str, int]], config: RouterConfig) -> str:
    """The services that have an upstream of their own, and those upstreams: (service id, port) pairs."""
    for service_id, port in services:
        if not SERVICE_ID.fullmatch(service_id) or not 0 < port < 65536:
            raise ValueError(f"{service_id!r}:{port} is no service")
    rows = "".join(f'    "{service_id}" "up_{service_id}";\n' for service_id, _ in services)
    upstreams = "".join(
        f"upstream up_{service_id} {{\n"
        f"    zone up_{service_id} 64k;\n"
        f"    server {service_id}.{config.domain}:{port} resolve max_fails=0;\n"
        f"    keepalive 32;\n"
        f"}}\n"
        for service_id, port in services
    )
    return (
        "map $service_id $target {\n"
        f'    default "$service_id.{config.domain}:{config.service_port}";\n'
        f"{rows}}}\n{upstreams}"
    )
