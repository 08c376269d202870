"""Why a deployment failed: its log read, and the lines of code that the findings name quoted."""

from __future__ import annotations

from collections.abc import Mapping

from bot.diagnosis import diagnose, redact
from bot.errors import WhaleRayError
from bot.model import Deployment, Diagnosis, Finding, LogKind, Service
from bot.ports import Ports

QUOTED = 3
"""Findings that are shown with their line of code: each costs a request."""
CODE_CHARACTERS = 300


async def explain(ports: Ports, deployment: Deployment, kind: LogKind) -> Diagnosis:
    """`kind`: the log that holds the cause."""
    text = await ports.engine.log(deployment.id, kind)
    service = await ports.store.service(deployment.repository_id)
    known = (await ports.secrets.get(deployment.service_id)).values()
    try:
        tree = await ports.github.tree(service.repository, deployment.sha) if service else None
    except WhaleRayError:
        tree = None  # the diagnosis is worth having without the links
    blobs = {entry.path: entry.sha for entry in tree.entries} if tree else {}
    found = await diagnose(text, ports.analyst, list(blobs), known)
    if service is None:
        return found
    quoted = [await _quoted(ports, service, finding, blobs) for finding in found.issues[:QUOTED]]
    return found.model_copy(update={"issues": (*quoted, *found.issues[QUOTED:])})


async def _quoted(ports: Ports, service: Service, finding: Finding, blobs: Mapping[str, str]) -> Finding:
    """With the line of code that it names."""
    blob = blobs.get(finding.file or "")
    if blob is None or finding.line is None:
        return finding
    try:
        text = (await ports.github.file(service.repository, blob)).decode("utf-8", "replace")
    except WhaleRayError:
        return finding
    lines = text.splitlines()
    code = lines[finding.line - 1] if 0 < finding.line <= len(lines) else ""
    return finding.model_copy(update={"code": redact(code)[:CODE_CHARACTERS]})
