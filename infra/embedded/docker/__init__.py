"""The `docker` engine: builds and runs on one machine's Docker engine, over its API.

What it needs: a Docker engine of this machine (20.10 or newer) that this user may speak to, with its ordinary bridge
and iptables; and a `docker` command that builds with BuildKit. The router runs on the same machine: it reaches
containers at their own addresses, which no other machine (and no macOS host) can.
"""

from __future__ import annotations

from collections.abc import Mapping


def answers(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a Docker engine answers whose containers this machine can reach: what `WHALERAY_ENGINE=auto` asks. Takes
    some 2 s at most."""
    from infra.embedded.docker.client import Daemon  # noqa: PLC0415 - a third of a second of imports, for this engine only

    return Daemon(environment, timeout_s=2).answers()
