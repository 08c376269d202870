"""SIGKILL of the bot at every step of every call of the engine: the next bot repeats the call, and all is well.

The steps are the places where a call leaves something behind; each is tried with the kill before and after it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from bot.model import BuildState, Deployment, InstanceState, Release
from tests.engine.lab import Lab, ProcessLab
from tests.engine.repository import Archive

PACKAGE = "infra.embedded.process"
STEPS = (
    f"{PACKAGE}.builds.write_json",
    f"{PACKAGE}.builds.write_once",
    f"{PACKAGE}.builds.detached.start",
    f"{PACKAGE}.detached.subprocess.Popen",
    f"{PACKAGE}.instances.write_json",
    f"{PACKAGE}.addresses.write_json",
    f"{PACKAGE}.instances.wanted.write",
    f"{PACKAGE}.detached.tell",
    f"{PACKAGE}.engine.shutil.rmtree",
)
MOST = 40

Call = Callable[[Lab], Awaitable[None]]


def killed_at(step: int, call: Callable[[], None]) -> bool:
    """Whether a process that makes the call was killed at that step (two for each place); False when there is none."""
    child = os.fork()
    if child == 0:
        passed = 0

        def count() -> None:
            nonlocal passed
            if passed == step:
                os.kill(os.getpid(), signal.SIGKILL)
            passed += 1

        def sabotaged(original: Callable[..., Any]) -> Callable[..., Any]:
            def run(*arguments: Any, **named: Any) -> Any:
                count()
                result = original(*arguments, **named)
                count()
                return result

            return run

        code = 1
        try:
            with ExitStack() as stack:
                for place in STEPS:
                    stack.enter_context(patch(place, sabotaged(_resolve(place))))
                call()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the call itself failed"
    return False


def _resolve(place: str) -> Callable[..., Any]:
    import importlib

    parts = place.split(".")
    found: Any = importlib.import_module(".".join(parts[:4]))
    for part in parts[4:]:
        found = getattr(found, part)
    resolved: Callable[..., Any] = found
    return resolved


class Story:
    """One lab for all steps of a call; each step has a deployment of its own."""

    def __init__(self, lab: ProcessLab) -> None:
        self.lab = lab
        self.release: Release | None = None

    async def ready(self) -> Release:
        if self.release is None:
            self.release = await self.lab.built(self.lab.deployment("release"))
        return self.release


async def nothing_before(story: Story, deployment: Deployment) -> None:
    return


async def builds(story: Story, deployment: Deployment) -> None:
    await story.lab.start_build(deployment)


async def was_built(story: Story, deployment: Deployment) -> None:
    assert (await story.lab.over(deployment)).build is BuildState.SUCCEEDED
    assert story.lab.archive.asked.count(f"/{deployment.sha}") == 1


async def builds_for_long(story: Story, deployment: Deployment) -> None:
    await story.lab.start_build(deployment, "echo waiting; sleep 600")


async def cancels(story: Story, deployment: Deployment) -> None:
    await story.lab.engine.cancel(deployment.id)


async def was_cancelled(story: Story, deployment: Deployment) -> None:
    assert (await story.lab.engine.observe(deployment.id)).build is BuildState.CANCELLED
    await story.lab.idle()


async def rolls_out(story: Story, deployment: Deployment) -> None:
    await story.lab.start(deployment, await story.ready())


async def runs(story: Story, deployment: Deployment) -> None:
    instance = (await story.lab.healthy(deployment))[0]
    assert "hello" in await story.lab.get(instance)
    await stops(story, deployment)
    await story.lab.ended(deployment)


async def keeps(story: Story, deployment: Deployment) -> None:
    await story.lab.engine.scale(deployment.id, 1)


async def was_stopped(story: Story, deployment: Deployment) -> None:
    await rolls_out(story, deployment)
    await story.lab.healthy(deployment)
    await stops(story, deployment)
    await story.lab.ended(deployment)


async def is_running(story: Story, deployment: Deployment) -> None:
    await rolls_out(story, deployment)
    await story.lab.healthy(deployment)


async def stops(story: Story, deployment: Deployment) -> None:
    await story.lab.engine.scale(deployment.id, 0)


async def has_stopped(story: Story, deployment: Deployment) -> None:
    instance = await story.lab.ended(deployment)
    assert instance.state is InstanceState.EXITED
    await story.lab.idle()


async def removes(story: Story, deployment: Deployment) -> None:
    await story.lab.engine.remove(deployment.service_id, [deployment.id])


async def is_gone(story: Story, deployment: Deployment) -> None:
    assert (await story.lab.engine.observe(deployment.id)).instances == ()
    await story.lab.idle()
    left = [path.name for kind in ("builds", "instances") for path in (story.lab.home / "process" / kind).iterdir()]
    assert deployment.id not in left


Act = Callable[[Story, Deployment], Awaitable[None]]
CALLS: dict[str, tuple[Act, Act, Act]] = {
    "start_build": (nothing_before, builds, was_built),
    "cancel": (builds_for_long, cancels, was_cancelled),
    "start_rollout": (nothing_before, rolls_out, runs),
    "scale_up": (was_stopped, keeps, runs),
    "scale_down": (is_running, stops, has_stopped),
    "remove": (is_running, removes, is_gone),
}


@pytest.mark.parametrize("name", CALLS)
def test_killed_at_any_step_of_a_call_the_next_bot_repeats_it(
    name: str, tmp_path: Path, compiled: dict[str, bytes], archive: Archive
) -> None:
    before, act, after = CALLS[name]
    story = Story(ProcessLab(tmp_path, compiled, archive))

    async def close() -> None:
        await story.lab.close()

    try:
        asyncio.run(_prepared(story))
        for step in range(MOST):
            deployment = story.lab.deployment(f"{name}-{step}")
            asyncio.run(_run(before, story, deployment))
            killed = killed_at(step, lambda d=deployment: asyncio.run(_run(act, story, d)))  # type: ignore[misc]
            story.lab.bot_dies()
            asyncio.run(_again(act, after, story, deployment))
            if not killed:
                assert step > 1, "nothing was sabotaged"
                return
        raise AssertionError(f"{name} has more than {MOST} steps")
    finally:
        asyncio.run(close())


async def _prepared(story: Story) -> None:
    await story.ready()


async def _run(act: Act, story: Story, deployment: Deployment) -> None:
    await act(story, deployment)


async def _again(act: Act, after: Act, story: Story, deployment: Deployment) -> None:
    await act(story, deployment)
    await after(story, deployment)
