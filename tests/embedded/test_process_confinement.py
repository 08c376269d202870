"""Builds and applications see nothing of the bot's: not its environment, files, processes or token."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model import LogKind
from infra.embedded.process import confine
from tests.engine.lab import ProcessLab
from tests.engine.repository import PACKS, Archive

SECRET = "hunter2-of-the-bot"
SNOOPS = """
echo "== environment"; env
echo "== file"; cat {home}/secret.txt || true
echo "== home"; ls {home} || true
echo "== processes"; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' || true
echo "== open"; ls -l /proc/self/fd || true
echo "== workspace"; grep -rs {start}''{end} /workspace "$HOME" "$TMPDIR" && echo FOUND THE TOKEN || true
echo "== end"
"""
PUSHES = """
echo "== capabilities"; grep CapEff /proc/self/status
for place in /usr/here /etc/here /proc/sys/kernel/core_pattern /proc/sysrq-trigger /here/there; do
  (echo core > $place) 2>/dev/null && echo "WROTE $place" || true
done
echo "== pushed"
"""


@pytest.fixture
async def snooped(lab: ProcessLab, archive: Archive) -> AsyncIterator[ProcessLab]:
    (lab.home / "secret.txt").write_text(SECRET)
    environment = {**os.environ, "WHALERAY_GITHUB_WEBHOOK_SECRET": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET}
    lab.bot_dies(environment=environment)
    yield lab


async def snoop(lab: ProcessLab, more: str = "") -> str:
    deployment = lab.deployment("snoop")
    script = SNOOPS.format(home=lab.home, start=lab.archive.token[:9], end=lab.archive.token[9:])
    await lab.built(deployment, script + more + PACKS)
    return await lab.engine.log(deployment.id, LogKind.BUILD)


async def test_this_machine_can_confine() -> None:
    """The tests below say nothing on a machine without bubblewrap, which `.ci/run` installs."""
    assert confine.works()


def test_of_the_machine_s_top_only_the_system_is_seen() -> None:
    """`/opt`, `/srv`, `/home`, `/root` and `/var` may hold the bot's checkout with its `.env` and the App's key."""
    listing = confine.command(confine.Shelter(writable=()), ["ls", "/"])
    listed = subprocess.run(listing, capture_output=True, text=True, check=True, timeout=10)
    system = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"}
    assert set(listed.stdout.split()) <= system | {"etc", "proc", "dev", "run"}


async def test_a_confined_build_finds_nothing_of_the_bot(snooped: ProcessLab) -> None:
    log = await snoop(snooped, PUSHES)
    assert "== end" in log
    assert "== pushed" in log
    assert SECRET not in log
    assert snooped.archive.token not in log
    assert "FOUND" not in log
    assert "WROTE" not in log
    assert f"cat: {snooped.home}/secret.txt: No such file" in log
    assert "infra.embedded.process" not in log, "it sees its runner"
    assert "CapEff:\t0000000000000000" in log


async def test_an_unconfined_build_gets_neither_environment_nor_token_and_says_so(snooped: ProcessLab) -> None:
    snooped.bot_dies(sandbox=False)
    log = await snoop(snooped)
    environment = log.split("== environment")[1].split("== file")[0]
    assert SECRET not in environment
    assert "WHALERAY" not in environment
    assert snooped.archive.token not in log
    assert "FOUND" not in log
    assert "runs unconfined" in log
    assert "apt install bubblewrap" in log


async def test_a_confined_application_finds_nothing_of_the_bot_and_of_other_services(snooped: ProcessLab) -> None:
    lab = snooped
    deployment, other = lab.deployment("app"), lab.deployment("other", "other")
    release, other_release = await lab.built(deployment), await lab.built(other)
    instance = await lab.run(deployment, release, TEST_SAYS="mine")
    environment = await lab.get(instance, "/environment")
    assert "TEST_SAYS=mine" in environment
    assert f"SERVER_ADDRESS={instance.address}" in environment
    assert SECRET not in environment
    assert "WHALERAY" not in environment
    for path in (lab.home / "secret.txt", Path(other_release.artifact), Path(release.artifact), lab.home):
        assert "refused" in await lab.get(instance, f"/read?{path}"), path
    processes = (await lab.get(instance, "/read?/proc")).split()
    assert sorted(name for name in processes if name.isdigit()) == ["1", "2"]


async def test_what_the_bot_decided_to_confine_is_never_run_unconfined(lab: ProcessLab, tmp_path: Path) -> None:
    """bubblewrap went away after the bot started: better no build than one in the open."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tools / "bwrap").chmod(0o755)
    lab.bot_dies(environment={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    deployment = lab.deployment("broken")
    seen = await lab.build(deployment, "echo ran")
    assert seen.build_failure is not None
    assert "ran" not in (await lab.engine.log(deployment.id, LogKind.BUILD)).splitlines()
