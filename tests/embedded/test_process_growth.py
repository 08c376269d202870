"""What the engine costs a bot that runs for months: no zombies, no open files, no threads, a cheap look."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from bot.model import BuildState
from infra.embedded.process import detached
from infra.embedded.process.addresses import Addresses
from infra.embedded.process.engine import ProcessEngine
from infra.embedded.process.files import write_json
from tests.engine.lab import ProcessLab

LOOK_S = 0.002
"""docs/design.md has no figure; a deployment is looked at up to ten times a second."""


def zombies() -> list[int]:
    found = []
    for child in Path("/proc/self/task").glob("*/children"):
        for pid in child.read_text().split():
            if detached.started_at(int(pid)) is None:
                found.append(int(pid))
    return found


async def test_builds_and_instances_leave_neither_zombies_nor_open_files_nor_threads(lab: ProcessLab) -> None:
    await lab.built(lab.deployment("warm"))
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208 - it is counted, too
    for number in range(4):
        deployment = lab.deployment(str(number))
        await lab.run(deployment, await lab.built(deployment))
        await lab.engine.remove(deployment.service_id, [deployment.id])
    await lab.idle()
    await lab.engine.prune([])
    assert zombies() == []
    assert len(os.listdir("/proc/self/fd")) <= files + 2  # noqa: PTH208
    assert threading.active_count() <= threads + 1


async def test_a_look_costs_less_than_two_milliseconds_after_a_thousand_deployments(tmp_path: Path) -> None:
    engine = ProcessEngine(tmp_path)
    for number in range(1000):
        build = tmp_path / "process" / "builds" / f"{number:032x}"
        build.mkdir()
        write_json(build / "result.json", {"cancelled": True}, durable=False)
    took = []
    for number in range(200):
        began = time.perf_counter()
        assert (await engine.observe(f"{number:032x}")).build is BuildState.CANCELLED
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 4] < LOOK_S


async def test_a_thousand_deployments_are_pruned_to_what_is_kept(tmp_path: Path) -> None:
    engine = ProcessEngine(tmp_path, young_s=0)
    addresses = Addresses(tmp_path / "process")
    for number in range(1000):
        name = f"{number:032x}"
        (tmp_path / "process" / "builds" / name).mkdir()
        (tmp_path / "process" / "instances" / name / "0").mkdir(parents=True)
        if number % 100 == 0:
            addresses.take(f"{name}-0", 8080)
    for _ in range(2):
        await engine.prune([f"{999:032x}"])
    left = [path.name for kind in ("builds", "instances", "trash") for path in (tmp_path / "process" / kind).iterdir()]
    assert left == [f"{999:032x}"] * 2
    assert '"taken": {}' in (tmp_path / "process" / "addresses.json").read_text()
