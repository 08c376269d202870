"""Pull requests: when each head was received (commit dates can be forged, this can't), the Deploy button, and what is
said when one is closed."""

from __future__ import annotations

from bot import deployments, neutral
from bot.events import PullRequestChanged
from bot.model import Branch
from bot.ports import Ports

_NEW_HEAD = frozenset({"opened", "reopened", "synchronize"})


async def handle(ports: Ports, event: PullRequestChanged) -> None:
    if event.action in _NEW_HEAD:
        await _new_head(ports, event)
    if event.action in ("closed", "reopened"):
        await _ended(ports, event)


async def _new_head(ports: Ports, event: PullRequestChanged) -> None:
    ref = f"refs/pull/{event.number}/head"
    known = await ports.store.branch(event.repository.id, ref)
    if known is not None and known.received_at > event.received_at:
        return  # a redelivery of an older head
    if known is None or known.sha != event.head_sha:
        await ports.store.put_branch(
            Branch(repository_id=event.repository.id, ref=ref, sha=event.head_sha, received_at=event.received_at)
        )
    if not event.from_fork:  # a fork's head needs a maintainer's own words
        await neutral.show(ports, event.repository, event.head_sha, "offer", pr=event.number)


async def _ended(ports: Ports, event: PullRequestChanged) -> None:
    """The sticky comment of a closed one tells what is live now."""
    known = await ports.store.deployments_of(event.repository.id, limit=100)
    newest = next((d for d in known if d.pr == event.number), None)
    if newest is None:
        return
    closed = Branch(
        repository_id=event.repository.id,
        ref=f"refs/pull/{event.number}/closed",
        sha=event.head_sha if event.action == "closed" else "",
        received_at=event.received_at,
    )
    await ports.store.put_branch(closed)
    await deployments.show(ports, newest)
