"""What a push may do by itself: what `.whaleray.yml` says of it, read when a push may have changed it and remembered
with the service otherwise."""

from __future__ import annotations

from bot import services
from bot.errors import UserError
from bot.events import Push
from bot.inspection import configuration
from bot.model import Pushes
from bot.ports import Ports


async def of_push(ports: Ports, event: Push) -> Pushes:
    """The rules that hold for this push. Those of a file that can't be used are the default: the deployment will fail
    with its line."""
    repository = event.repository
    service = await ports.store.service(repository.id)
    known = service.pushes if service else None
    if known is not None and not event.configured:
        return known
    tree = await ports.github.tree(repository, event.after)
    blobs = {entry.path: entry.sha for entry in tree.entries}

    async def read(path: str) -> bytes:
        return await ports.github.file(repository, blobs[path])

    try:
        found = await configuration(tree, read)
    except UserError:
        return Pushes()
    says = Pushes(branch=found.branch or "", auto=found.auto, wait_for_checks=found.wait_for_checks)
    if deploys(says, event):
        await services.claim(ports, repository)
        await services.update(ports, repository.id, pushes=says)
    return says


def deploys(pushes: Pushes, event: Push) -> bool:
    return event.branch == (pushes.branch or event.repository.default_branch)
