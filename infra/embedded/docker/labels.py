"""What this state directory's things are called on the Docker engine, and the labels by which they are found again.

Several WhaleRays may share a Docker engine: each touches only what bears its own mark.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

HOME, SERVICE, DEPLOYMENT = "whaleray.home", "whaleray.service", "whaleray.deployment"
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
"""A part of an image's name as Docker allows it (distribution's reference grammar)."""


class Labels:
    def __init__(self, root: Path) -> None:
        """`root`: the engine's directory, whose path is the mark."""
        self.home = hashlib.sha256(bytes(root)).hexdigest()[:10]

    def of(self, service_id: str, deployment_id: str) -> dict[str, str]:
        return {HOME: self.home, SERVICE: service_id, DEPLOYMENT: deployment_id}

    def filters(self, service_id: str | None = None) -> dict[str, list[str]]:
        """For the API's listings: all that is ours, or all of one service."""
        wanted = [f"{HOME}={self.home}"]
        return {"label": wanted if service_id is None else [*wanted, f"{SERVICE}={service_id}"]}

    def container(self, instance: str) -> str:
        return f"whaleray-{self.home}-{instance}"

    @property
    def network(self) -> str:
        return f"whaleray-{self.home}"


def deployment_of(thing: dict[str, Any]) -> str:
    """Of a container or image as a listing gives it."""
    labels: dict[str, str] = thing.get("Labels") or {}
    return labels.get(DEPLOYMENT, "")


def image(service_id: str, deployment_id: str) -> str:
    """`whaleray/<service id>:<deployment id>`; a service id that is no name for an image gets one made of it."""
    name = service_id
    if not _COMPONENT.fullmatch(name):
        tag = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = "-".join([*re.findall(r"[a-z0-9]+", name), tag])
    return f"whaleray/{name}:{deployment_id}"
