"""The store's promises: conditional writes, one owner of a service id, what was written is there after a crash."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Conflict, OurError, Outage
from bot.model import (
    Branch,
    Cause,
    Deployment,
    EngineName,
    Installation,
    Repository,
    Service,
    Stage,
    StageTime,
    View,
)
from infra.embedded.store import SqliteStore


def service(repository_id: int = 1, service_id: str = "github_1-octo-hello") -> Service:
    repository = Repository(id=repository_id, owner="octo", name="hello", installation_id=9)
    return Service(repository=repository, service_id=service_id, engine=EngineName.PROCESS)


def deployment(name: str = "d", repository_id: int = 1, stage: Stage = Stage.BUILDING) -> Deployment:
    return Deployment(
        id=name,
        repository_id=repository_id,
        service_id="github_1-octo-hello",
        cause=Cause(delivery=name),
        sha="a" * 40,
        ref="main",
        stage=stage,
        stage_times=(StageTime(stage=stage, at=1.5),),
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "whaleray.db")
    yield made
    await made.aclose()


async def test_what_was_never_put_is_none(store: SqliteStore) -> None:
    assert await store.installation(1) is None
    assert await store.service(1) is None
    assert await store.deployment("x") is None
    assert await store.branch(1, "refs/heads/main") is None
    assert await store.view("x") == View(deployment="x")
    assert (list(await store.services()), list(await store.in_flight()), list(await store.deployments_of(1))) == (
        [],
        [],
        [],
    )


async def test_records_come_back_as_they_were(store: SqliteStore) -> None:
    installation = Installation(id=9, account="octo", account_id=3, installer="cat", installer_id=4)
    await store.put_installation(installation)
    assert await store.installation(9) == installation
    await store.delete_installation(9)
    assert await store.installation(9) is None
    stored = await store.put_service(service())
    assert await store.service(1) == stored
    kept = await store.put_deployment(deployment())
    assert await store.deployment("d") == kept
    view = View(deployment="d", check_run_id=5, begun=frozenset({"check"}), hashes={"check": "x"})
    await store.put_view(view)
    assert await store.view("d") == view
    branch = Branch(repository_id=1, ref="refs/pull/1/head", sha="b" * 40, received_at=2.5)
    await store.put_branch(branch)
    assert await store.branch(1, "refs/pull/1/head") == branch


async def test_a_write_over_what_was_not_read_loses(store: SqliteStore) -> None:
    first = await store.put_deployment(deployment())
    assert first.revision == 1
    second = await store.put_deployment(first.model_copy(update={"stage": Stage.DEPLOYING}))
    assert second.revision == 2
    for stale in (deployment(), first, second.model_copy(update={"revision": 3})):
        with pytest.raises(Conflict):
            await store.put_deployment(stale)
    assert await store.deployment("d") == second


async def test_a_service_is_written_conditionally_too(store: SqliteStore) -> None:
    first = await store.put_service(service())
    second = await store.put_service(first.model_copy(update={"instances": 2}))
    for stale in (service(), first):
        with pytest.raises(Conflict):
            await store.put_service(stale)
    assert await store.service(1) == second


async def test_a_service_id_belongs_to_one_repository(store: SqliteStore) -> None:
    await store.put_service(service(1))
    with pytest.raises(Conflict):
        await store.put_service(service(2))
    other = await store.put_service(service(2, "github_1-octo-other"))
    with pytest.raises(Conflict):
        await store.put_service(other.model_copy(update={"service_id": "github_1-octo-hello"}))
    assert [s.service_id for s in await store.services()] == ["github_1-octo-hello", "github_1-octo-other"]


async def test_a_conflict_hurts_only_its_own_writer(store: SqliteStore) -> None:
    """Writers that wait at the same time share a transaction."""
    await store.put_deployment(deployment("d0"))
    results = await asyncio.gather(
        *(store.put_deployment(deployment(f"d{n % 10}")) for n in range(40)), return_exceptions=True
    )
    assert sum(isinstance(result, Conflict) for result in results) == 31
    assert len(await store.deployments_of(1, limit=100)) == 10


async def test_of_many_who_change_the_same_each_time_one_wins(store: SqliteStore) -> None:
    await store.put_service(service())

    async def add_one() -> None:
        while True:
            read = await store.service(1)
            assert read is not None
            try:
                await store.put_service(read.model_copy(update={"instances": read.instances + 1}))
            except Conflict:
                continue
            return

    await asyncio.gather(*(add_one() for _ in range(20)))
    last = await store.service(1)
    assert last is not None
    assert (last.instances, last.revision) == (21, 21)


async def test_deployments_come_newest_first_and_at_most_as_many_as_asked(store: SqliteStore) -> None:
    for name in "abcde":
        await store.put_deployment(deployment(name))
    await store.put_deployment(deployment("other", repository_id=2))
    first = await store.deployment("a")
    assert first is not None
    await store.put_deployment(first.model_copy(update={"actor": "octocat"}))
    assert [d.id for d in await store.deployments_of(1)] == list("edcba"), "a later write moves nothing"
    assert [d.id for d in await store.deployments_of(1, limit=2)] == list("ed")


async def test_in_flight_is_what_has_not_ended(store: SqliteStore) -> None:
    for number, stage in enumerate(Stage):
        await store.put_deployment(deployment(f"d{number}", stage=stage))
    assert [d.stage for d in await store.in_flight()] == [Stage.INSPECTING, Stage.BUILDING, Stage.DEPLOYING]


async def test_once_is_true_once_ever(store: SqliteStore, tmp_path: Path) -> None:
    answers = await asyncio.gather(*(store.once("refusal:1") for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]
    again = SqliteStore(tmp_path / "whaleray.db")
    assert not await again.once("refusal:1")
    assert await again.once("refusal:2")
    await again.aclose()


async def test_two_processes_share_it(store: SqliteStore, tmp_path: Path) -> None:
    other = SqliteStore(tmp_path / "whaleray.db")
    mine = await store.put_deployment(deployment())
    theirs = await other.deployment("d")
    assert theirs == mine
    await other.put_deployment(mine.model_copy(update={"actor": "them"}))
    with pytest.raises(Conflict):
        await store.put_deployment(mine.model_copy(update={"actor": "me"}))
    await other.aclose()


WRITES = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from infra.embedded.store import SqliteStore
from tests.embedded.test_store import deployment

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    for number in range(100_000):
        await store.put_deployment(deployment(f"d{number}"))
        print(number, flush=True)

asyncio.run(main())
"""


def written_until_killed(path: Path) -> list[int]:
    """What a process was told is written before it was killed in the middle of more."""
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path), str(root)], stdout=subprocess.PIPE, text=True)
    if writer.stdout is None:
        raise OSError("no pipe")
    lines = [writer.stdout.readline() for _ in range(25)]
    os.kill(writer.pid, signal.SIGKILL)
    lines += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    return [int(line) for line in lines if line.endswith("\n")]


async def test_what_a_write_returned_from_is_there_after_a_sigkill(tmp_path: Path) -> None:
    told = await asyncio.to_thread(written_until_killed, tmp_path / "whaleray.db")
    assert len(told) >= 25
    store = SqliteStore(tmp_path / "whaleray.db")
    assert [f"d{n}" for n in told] == [d.id for d in await store.in_flight()][: len(told)]
    await store.put_deployment(deployment("after"))
    await store.aclose()


def modes(directory: Path) -> set[str]:
    return {oct(file.stat().st_mode & 0o777) for file in directory.glob("whaleray.db*")}


async def test_its_file_is_the_bots_alone(store: SqliteStore, tmp_path: Path) -> None:
    await store.put_service(service())
    assert modes(tmp_path) == {"0o600"}


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "whaleray.db").write_bytes(b"not a database at all, but long enough to look at" * 40)
    with pytest.raises(OurError, match=r"whaleray\.db is damaged"):
        SqliteStore(tmp_path / "whaleray.db")


async def test_a_disk_without_room_is_an_outage_with_its_mend(store: SqliteStore) -> None:
    await store._db.write(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())
    with pytest.raises(Outage, match="Make room on the disk"):
        for number in range(200):
            await store.put_deployment(deployment(f"d{number}").model_copy(update={"message": "x" * 10_000}))
    await store._db.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    await store.put_deployment(deployment("after"))


async def test_closed_it_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "whaleray.db")
    await store.aclose()
    await store.aclose()
    with pytest.raises(Outage, match="closed"):
        await store.put_service(service())
    with pytest.raises(Outage, match="closed"):
        await store.service(1)
