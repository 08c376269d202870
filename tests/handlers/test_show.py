"""What GitHub is to show."""

from __future__ import annotations

from bot import deployments
from bot.model import Stage
from tests.handlers.world import World


async def test_deployments_of_one_pull_request_are_shown_one_after_the_other(world: World) -> None:
    """Two at once would each find no comment there, and make one."""
    for name, pr in (("first", 5), ("second", 5), ("other", 6), ("pushed", None)):
        made = world.made(name, Stage.INSPECTING).model_copy(update={"pr": pr})
        await deployments.show(world.ports, made)
    at_once = []
    while (job := await world.ports.view.lease(wait=0)) is not None:
        at_once.append(job)
    assert [job.event.deployment for job in at_once if job.event.type == "show"] == ["first", "other", "pushed"]
    await world.ports.view.ack(at_once[0])
    following = await world.ports.view.lease(wait=0)
    assert following is not None
    assert following.group == at_once[0].group
