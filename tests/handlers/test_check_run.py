"""Buttons and Re-run of a check."""

from __future__ import annotations

from bot.events import CheckRunAction
from handlers import check_run
from tests.handlers.world import REPOSITORY, World


async def test_re_run_of_a_check_that_nobody_remembers_deploys_nothing(world: World) -> None:
    """It may be of a fork's head, which GitHub's event doesn't say."""
    world.github.writers.add("octocat")
    await check_run.handle(
        world.ports,
        CheckRunAction(
            delivery="again",
            repository=REPOSITORY,
            sender="octocat",
            action="rerequested",
            external_id="0" * 32,
            head_sha="a" * 40,
        ),
    )
    assert await world.ports.store.deployments_of(REPOSITORY.id) == []
