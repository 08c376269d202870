"""The neutral check of a commit that is not deployed: why not, and the button that deploys it."""

from __future__ import annotations

from bot import locks
from bot.actions import Asked
from bot.events import Neutral, NeutralReason, group_of
from bot.model import Desired, Repository
from bot.ports import Ports

EXTERNAL_ID = "offer"
"""`external_id` of every such check: it belongs to no deployment."""


def view_name(repository_id: int, sha: str) -> str:
    """What is stored of that commit's neutral check, as a view's `deployment`."""
    return f"neutral:{repository_id}:{sha}"


async def show(ports: Ports, repository: Repository, sha: str, reason: NeutralReason, *, pr: int | None = None) -> None:
    event = Neutral(repository=repository, sha=sha, reason=reason, pr=pr)
    await ports.view.send(event, group=group_of(event), key=f"neutral:{repository.id}:{sha}:{reason}")


async def refused(ports: Ports, asked: Asked, sha: str) -> None:
    """Somebody pressed a button of that commit's check and somebody else's lock kept it out."""
    if locks.keeps_out(await ports.store.service(asked.repository.id), asked.actor):
        await show(ports, asked.repository, sha, "locked", pr=asked.pr)


async def why_not(ports: Ports, repository: Repository, actor: str) -> NeutralReason | None:
    """What keeps a push from deploying by itself."""
    service = await ports.store.service(repository.id)
    if service is None:
        return None
    if service.desired is Desired.STOPPED:
        return "stopped"
    if locks.keeps_out(service, actor):
        return "locked"
    return None
