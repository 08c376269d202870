"""What goes wrong with a build on one machine, and what the reader is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.model import Builder, BuildState, LogKind
from infra.embedded.process import detached
from tests.engine.lab import ProcessLab
from tests.engine.repository import PACKS, tarball


async def test_a_wrapper_from_windows_is_mended(lab: ProcessLab) -> None:
    files = lab.files()
    assert b"\r" not in files["mvnw"]
    files["mvnw"] = files["mvnw"].replace(b"\n", b"\r\n")
    deployment = lab.deployment("crlf")
    await lab.start_build(deployment, body=tarball(files))
    assert (await lab.over(deployment)).build is BuildState.SUCCEEDED


async def test_a_build_in_a_subdirectory_and_its_module(lab: ProcessLab) -> None:
    files = {f"backend/{name}": body for name, body in lab.files("cd app; cp ../app.jar .; " + PACKS).items()}
    deployment = lab.deployment("deep")
    await lab.start_build(
        deployment, body=tarball(files | {"backend/app/pom.xml": b""}), directory="backend", module="app"
    )
    assert (await lab.over(deployment)).build is BuildState.SUCCEEDED


async def refused(lab: ProcessLab, script: str = PACKS, body: bytes | None = None, **plan: Any) -> str:
    deployment = lab.deployment("refused")
    await lab.start_build(deployment, script, body=body, **plan)
    seen = await lab.over(deployment)
    assert seen.build_failure is not None, await lab.engine.log(deployment.id, LogKind.BUILD)
    return " ".join((seen.build_failure.what, seen.build_failure.why, seen.build_failure.mend))


async def test_a_dockerfile_alone_is_refused_with_the_mend(lab: ProcessLab) -> None:
    assert "Add a `pom.xml`" in await refused(lab, builder=Builder.DOCKERFILE)


async def test_a_missing_jdk_names_what_to_install(lab: ProcessLab) -> None:
    said = await refused(lab, jdk=99, jdk_from="pom.xml")
    assert "No JDK 99 or newer" in said
    assert "apt install openjdk-99-jdk-headless" in said


async def test_a_missing_tool_names_the_mend(lab: ProcessLab, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bwrap", "sh"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    lab.bot_dies(environment={**os.environ, "PATH": str(tools)})
    assert "`gradle` is not installed" in await refused(lab, builder=Builder.GRADLE, wrapper=False)


@pytest.mark.parametrize("layout", ["sdk/maven/bin", "home/bin"])
async def test_a_tool_of_the_machine_is_used_wherever_it_lives(lab: ProcessLab, tmp_path: Path, layout: str) -> None:
    tool = tmp_path / layout / "mvn"
    tool.parent.mkdir(parents=True)
    (tmp_path / "sdk" / "maven" / "lib").mkdir(parents=True)
    (tool.parent.parent / "secret").touch()
    tool.write_text(f"#!/bin/sh\nls {tool.parent.parent}\n{PACKS}\n")
    tool.chmod(0o755)
    lab.bot_dies(environment={**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"})
    deployment = lab.deployment("tool")
    seen = await lab.build(deployment, wrapper=False)
    log = await lab.engine.log(deployment.id, LogKind.BUILD)
    assert seen.build is BuildState.SUCCEEDED, log
    assert ("secret" in log) == ("sdk" in layout), "a tool's own directory is seen, somebody's home is not"


async def test_a_wrapper_that_the_archive_lacks_is_said(lab: ProcessLab) -> None:
    files = lab.files()
    del files["mvnw"]
    assert "export-ignore" in await refused(lab, body=tarball(files))


async def test_a_directory_that_leads_elsewhere_is_refused(lab: ProcessLab) -> None:
    said = await refused(lab, body=tarball(lab.files(), {"backend": "/etc"}), directory="backend")
    assert "`backend` is not in the archive" in said


async def test_a_build_that_eats_memory_is_ended_and_told_how_much_it_may(lab: ProcessLab) -> None:
    lab.bot_dies(build_memory=64 * 1024**2)
    said = await refused(lab, "head -c 300m /dev/zero | tail; echo got here; exit 1")
    assert "ran out of memory" in said
    assert "64 MB" in said


def runner_is(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner is another process, so what it shall find is in its code."""
    started: Callable[..., bool] = detached.start

    def start(_: str, *arguments: Any, **named: Any) -> bool:
        return started(f"tests.embedded.{module}", *arguments, **named)

    monkeypatch.setattr(detached, "start", start)


async def test_without_control_groups_a_watchdog_ends_it(lab: ProcessLab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.bot_dies(build_memory=64 * 1024**2)
    runner_is("runner_without_groups", monkeypatch)
    assert "ran out of memory" in await refused(lab, "head -c 1500m /dev/zero | tail; sleep 60")


async def test_a_full_disk_is_said(lab: ProcessLab, monkeypatch: pytest.MonkeyPatch) -> None:
    runner_is("runner_on_a_full_disk", monkeypatch)
    said = await refused(lab)
    assert "The disk is full" in said
    assert "makes room" in said


async def test_a_build_that_fills_the_disk_is_ended(lab: ProcessLab, monkeypatch: pytest.MonkeyPatch) -> None:
    runner_is("runner_that_fills_the_disk", monkeypatch)
    assert "The disk is full" in await refused(lab, "sleep 60")


async def test_a_build_cannot_point_at_another_ones_release(lab: ProcessLab) -> None:
    victim = lab.deployment("victim", "victim")
    release = await lab.built(victim)
    lab.bot_dies(sandbox=False)
    said = await refused(lab, f"ln -s {Path(release.artifact).parent} target")
    assert "no executable Spring Boot jar" in said


async def test_a_log_is_bounded_and_private(lab: ProcessLab) -> None:
    deployment = lab.deployment("chatty")
    await lab.built(deployment, "echo first line; head -c 12m /dev/zero | tr '\\0' 'x'; echo; echo last line; " + PACKS)
    log = await lab.engine.log(deployment.id, LogKind.BUILD)
    assert len(log) <= 8 * 1024**2 + 4096
    assert "first line" in log
    assert "last line" in log
    assert "bytes were left out here" in log
    kept = lab.home / "process" / "builds" / deployment.id
    assert {oct(file.stat().st_mode & 0o077) for file in kept.iterdir()} == {"0o0"}


async def test_a_dead_build_leaves_no_work_behind(lab: ProcessLab) -> None:
    deployment = lab.deployment("tidy")
    await lab.build(deployment, "exit 1")
    await lab.idle()
    assert not (lab.home / "process" / "builds" / deployment.id / "work").exists()
    cancelled = lab.deployment("cancelled")
    await lab.start_build(cancelled, "echo waiting; sleep 60")
    await lab.logged(cancelled, LogKind.BUILD, "waiting")
    await lab.engine.cancel(cancelled.id)
    await lab.idle()
    assert not (lab.home / "process" / "builds" / cancelled.id / "work").exists()
    assert [path.name for path in (lab.home / "process" / "turns").iterdir() if not path.name.startswith(".")] == []


async def test_an_unmerged_commit_cannot_change_what_production_builds_with(lab: ProcessLab) -> None:
    repository = "$HOME/.m2/repository/org/lib/1/lib.jar"
    first = lab.deployment("first")
    await lab.built(first, f"mkdir -p $(dirname {repository}); echo good > {repository}; {PACKS}")
    attack = lab.deployment("attack", environment="pull/7")
    await lab.built(
        attack,
        f"cat /workspace/shared/.m2/repository/org/lib/1/lib.jar; mkdir -p $(dirname {repository}); "
        f"echo evil > {repository}; echo evil > /workspace/shared/.m2/repository/org/lib/1/lib.jar || true; {PACKS}",
    )
    log = await lab.engine.log(attack.id, LogKind.BUILD)
    assert "good" in log, "it reads what production downloaded"
    assert "Read-only file system" in log
    for later, name in ((lab.deployment("later"), "production"), (lab.deployment("other", environment="pull/8"), "8")):
        await lab.built(later, f"cat {repository} /workspace/shared/.m2/repository/org/lib/1/lib.jar || true; {PACKS}")
        log = await lab.engine.log(later.id, LogKind.BUILD)
        assert "good" in log, name
        assert "evil" not in log, name


async def test_another_repository_shares_no_cache(lab: ProcessLab) -> None:
    await lab.built(lab.deployment("first"), f"mkdir -p $HOME/.m2; echo secret > $HOME/.m2/x; {PACKS}")
    other = lab.deployment("other", "other")
    await lab.built(other, f"find /workspace | grep -c m2 || true; {PACKS}")
    assert "0" in (await lab.engine.log(other.id, LogKind.BUILD)).splitlines()


async def test_a_pull_request_takes_the_wrapper_that_production_downloaded(lab: ProcessLab) -> None:
    await lab.built(lab.deployment("first"), f"mkdir -p $HOME/.m2/wrapper; echo maven > $HOME/.m2/wrapper/x; {PACKS}")
    pull = lab.deployment("pull", environment="pull/7")
    await lab.built(pull, f"cat $HOME/.m2/wrapper/x; {PACKS}")
    assert "maven" in (await lab.engine.log(pull.id, LogKind.BUILD)).splitlines()


async def test_options_of_the_repository_for_its_own_jvm_are_left_alone(lab: ProcessLab) -> None:
    deployment = lab.deployment("plain")
    await lab.built(deployment, f'echo "options $MAVEN_OPTS"; {PACKS}')
    assert "-XX:+UseSerialGC" in await lab.engine.log(deployment.id, LogKind.BUILD)
    own = lab.deployment("own")
    files = lab.files(f'echo "options $MAVEN_OPTS"; {PACKS}') | {".mvn/jvm.config": b"-XX:+UseG1GC -Xmx700m"}
    await lab.start_build(own, body=tarball(files))
    await lab.over(own)
    log = await lab.engine.log(own.id, LogKind.BUILD)
    assert "options -Duser.home=/workspace/home\n" in log
