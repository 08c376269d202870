"""Remembers when each head of a pull request was received: commit dates can be forged, this can't."""

from __future__ import annotations

from bot.events import PullRequestChanged
from bot.model import Branch
from bot.ports import Ports

_NEW_HEAD = frozenset({"opened", "reopened", "synchronize"})


async def handle(ports: Ports, event: PullRequestChanged) -> None:
    if event.action not in _NEW_HEAD:
        return
    ref = f"refs/pull/{event.number}/head"
    known = await ports.store.branch(event.repository.id, ref)
    if known is not None and known.received_at > event.received_at:
        return  # a redelivery of an older head
    if known is None or known.sha != event.head_sha:
        await ports.store.put_branch(
            Branch(repository_id=event.repository.id, ref=ref, sha=event.head_sha, received_at=event.received_at)
        )
