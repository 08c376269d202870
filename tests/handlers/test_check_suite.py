"""Re-run all."""

from __future__ import annotations

from bot.events import CheckSuiteRerun, Neutral
from bot.model import Lock
from handlers import check_suite
from tests.handlers.world import REPOSITORY, World


async def test_a_lock_keeps_others_out_of_re_run_all_too(world: World) -> None:
    service = await world.serve("old", locked_by=Lock(owner="mona"))
    world.github.writers.add("octocat")
    head = (await world.deployment("old")).sha
    event = CheckSuiteRerun(delivery="again", repository=REPOSITORY, sender="octocat", head_sha=head)

    await check_suite.handle(world.ports, event)
    assert [each.id for each in await world.ports.store.deployments_of(REPOSITORY.id)] == ["old"]
    job = await world.ports.view.lease(wait=0)
    assert job is not None
    assert isinstance(job.event, Neutral)
    assert job.event.reason == "locked"

    await check_suite.handle(world.ports, event.model_copy(update={"sender": "mona", "delivery": "hers"}))
    assert len(await world.ports.store.deployments_of(REPOSITORY.id)) == 1
    world.github.writers.add("mona")
    await check_suite.handle(world.ports, event.model_copy(update={"sender": "mona", "delivery": "hers"}))
    assert len(await world.ports.store.deployments_of(service.repository_id)) == 2
