"""The store's promises, the same as of the embedded one; and what DynamoDB adds: answers lost on the way, pages,
throttling, an account that is not set up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from bot.errors import Conflict, Outage, SettingsError
from bot.model import (
    Audit,
    Branch,
    Installation,
    Stage,
    View,
)
from infra.aws import dynamo
from infra.aws.client import Client
from infra.aws.store import DynamoStore
from infra.aws.tables import Tables
from tests.aws.conftest import boto
from tests.embedded.test_store import deployment, service


@pytest.fixture
def store(dynamodb: Client, tables: Tables) -> DynamoStore:
    return DynamoStore(dynamodb, tables)


async def test_what_was_never_put_is_none(store: DynamoStore) -> None:
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


async def test_records_come_back_as_they_were(store: DynamoStore) -> None:
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


async def test_a_write_over_what_was_not_read_loses(store: DynamoStore) -> None:
    first = await store.put_deployment(deployment())
    assert first.revision == 1
    second = await store.put_deployment(first.model_copy(update={"stage": Stage.DEPLOYING}))
    assert second.revision == 2
    for stale in (deployment(), first, second.model_copy(update={"revision": 3})):
        with pytest.raises(Conflict):
            await store.put_deployment(stale)
    assert await store.deployment("d") == second


async def test_a_service_is_written_conditionally_too(store: DynamoStore) -> None:
    first = await store.put_service(service())
    second = await store.put_service(first.model_copy(update={"instances": 2}))
    for stale in (service(), first):
        with pytest.raises(Conflict):
            await store.put_service(stale)
    assert await store.service(1) == second


async def test_a_service_id_belongs_to_one_repository(store: DynamoStore) -> None:
    await store.put_service(service(1))
    with pytest.raises(Conflict):
        await store.put_service(service(2))
    other = await store.put_service(service(2, "github_1-octo-other"))
    with pytest.raises(Conflict):
        await store.put_service(other.model_copy(update={"service_id": "github_1-octo-hello"}))
    assert [s.service_id for s in await store.services()] == ["github_1-octo-hello", "github_1-octo-other"]


async def test_a_conflict_hurts_only_its_own_writer(store: DynamoStore) -> None:
    """Writers that wait at the same time share a transaction."""
    await store.put_deployment(deployment("d0"))
    results = await asyncio.gather(
        *(store.put_deployment(deployment(f"d{n % 10}")) for n in range(40)), return_exceptions=True
    )
    assert sum(isinstance(result, Conflict) for result in results) == 31
    assert len(await store.deployments_of(1, limit=100)) == 10


async def test_of_many_who_change_the_same_each_time_one_wins(store: DynamoStore) -> None:
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


async def test_deployments_come_newest_first_and_at_most_as_many_as_asked(store: DynamoStore) -> None:
    for name in "abcde":
        await store.put_deployment(deployment(name))
    await store.put_deployment(deployment("other", repository_id=2))
    first = await store.deployment("a")
    assert first is not None
    await store.put_deployment(first.model_copy(update={"actor": "octocat"}))
    assert [d.id for d in await store.deployments_of(1)] == list("edcba"), "a later write moves nothing"
    assert [d.id for d in await store.deployments_of(1, limit=2)] == list("ed")


async def test_in_flight_is_what_has_not_ended(store: DynamoStore) -> None:
    for number, stage in enumerate(Stage):
        await store.put_deployment(deployment(f"d{number}", stage=stage))
    assert [d.stage for d in await store.in_flight()] == [Stage.INSPECTING, Stage.BUILDING, Stage.DEPLOYING]


async def test_audits_come_newest_first(store: DynamoStore) -> None:
    for key in "ABC":
        await store.put_audit(Audit(service_id="s", key=key, action="set", actor="cat", at=1.0))
    await store.put_audit(Audit(service_id="other", key="D", action="unset", actor="cat", at=1.0))
    assert [audit.key for audit in await store.audits("s")] == ["C", "B", "A"]
    assert [audit.key for audit in await store.audits("s", limit=2)] == ["C", "B"]


async def test_once_is_true_once_ever(store: DynamoStore, dynamodb: Client, tables: Tables) -> None:
    answers = await asyncio.gather(*(store.once("refusal:1") for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]
    again = DynamoStore(dynamodb, tables)
    assert not await again.once("refusal:1")
    assert await again.once("refusal:2")


async def test_once_stays_true_for_whoever_asked_first(store: DynamoStore) -> None:
    assert await store.once("k", "job 1")
    assert await store.once("k", "job 1")
    assert not await store.once("k", "job 2")
    assert not await store.once("k")


async def test_a_service_is_found_by_its_id(store: DynamoStore) -> None:
    stored = await store.put_service(service())
    assert await store.service_named(stored.service_id) == stored
    assert await store.service_named("github_1-octo-none") is None


async def test_a_service_id_is_frozen(store: DynamoStore) -> None:
    first = await store.put_service(service())
    with pytest.raises(Conflict):
        await store.put_service(first.model_copy(update={"service_id": "github_1-octo-renamed"}))
    assert await store.service(1) == first


async def test_every_service_is_listed_whatever_shard_it_is_in(store: DynamoStore) -> None:
    await asyncio.gather(*(store.put_service(service(n, f"github_1-octo-{n}")) for n in range(1, 31)))
    assert [s.repository_id for s in await store.services()] == list(range(1, 31))


async def test_names_longer_than_a_key_are_kept_apart(store: DynamoStore) -> None:
    long = "refs/heads/" + "x" * 3000
    for ref, sha in ((long, "a" * 40), (long + "y", "b" * 40)):
        await store.put_branch(Branch(repository_id=1, ref=ref, sha=sha, received_at=1.0))
    first = await store.branch(1, long)
    assert first is not None
    assert (first.ref, first.sha) == (long, "a" * 40)
    assert await store.once("k" * 5000)
    assert not await store.once("k" * 5000)


async def test_more_than_one_batch_of_deployments_comes_whole_and_in_order(store: DynamoStore) -> None:
    names = [f"d{n:03}" for n in range(dynamo.BATCH + 20)]
    for name in names:
        await store.put_deployment(deployment(name))
    assert [d.id for d in await store.deployments_of(1, limit=1000)] == names[::-1]
    assert [d.id for d in await store.in_flight()] == names


class Answers:
    """Stands in the way of a client's calls: `lost` answers never arrive, though the call took effect."""

    def __init__(self, client: Client, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.replaced: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.lost: set[str] = set()
        original = client.call

        def call(operation: str, /, **parameters: Any) -> dict[str, Any]:
            self.calls.append(operation)
            if operation in self.lost:
                self.lost.discard(operation)
                original(operation, **parameters)  # botocore asks again after a lost answer, with the same parameters
            done = original(operation, **parameters)
            return self.replaced.pop(operation)(done) if operation in self.replaced else done

        patch.setattr(client, "call", call)


@pytest.fixture
def answers(dynamodb: Client, monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(dynamodb, monkeypatch)


async def test_a_write_that_was_sent_twice_is_no_conflict_with_itself(store: DynamoStore, answers: Answers) -> None:
    answers.lost.add("put_item")
    first = await store.put_deployment(deployment())
    answers.lost.add("update_item")
    second = await store.put_deployment(first.model_copy(update={"actor": "cat"}))
    assert await store.deployment("d") == second
    answers.lost.add("put_item")
    assert await store.once("k")
    service_ = await store.put_service(service())
    answers.lost.add("update_item")
    await store.put_service(service_)
    with pytest.raises(Conflict):
        await store.put_service(service_)


async def test_keys_that_a_batch_left_unread_are_asked_for_again(store: DynamoStore, answers: Answers) -> None:
    for name in "abc":
        await store.put_deployment(deployment(name))

    def half(done: dict[str, Any]) -> dict[str, Any]:
        ((table, items),) = done["Responses"].items()
        left = {table: {"Keys": [{"id": item["id"]} for item in items[1:]]}}
        return {**done, "Responses": {table: items[:1]}, "UnprocessedKeys": left}

    answers.replaced["batch_get_item"] = half
    assert [d.id for d in await store.deployments_of(1)] == list("cba")
    assert answers.calls.count("batch_get_item") == 2


async def test_a_table_that_keeps_leaving_keys_unread_is_an_outage(
    store: DynamoStore, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put_deployment(deployment())
    monkeypatch.setattr(dynamo, "_LOOKS", 2)

    def none(done: dict[str, Any]) -> dict[str, Any]:
        ((table, items),) = done["Responses"].items()
        answers.replaced["batch_get_item"] = none
        return {**done, "Responses": {}, "UnprocessedKeys": {table: {"Keys": [{"id": item["id"]} for item in items]}}}

    answers.replaced["batch_get_item"] = none
    with pytest.raises(Outage, match="no room for a batch"):
        await store.deployments_of(1)


async def test_an_index_that_lags_behind_shows_no_ended_deployment_as_in_flight(
    store: DynamoStore, answers: Answers
) -> None:
    await store.put_deployment(deployment("a"))
    await store.put_deployment(deployment("b", stage=Stage.FAILED))
    stale = {"id": {"S": "b"}, "in_flight": {"S": "BUILDING"}, "opened": {"N": "1"}}
    answers.replaced["query"] = lambda done: {**done, "Items": [*done["Items"], stale, {**stale, "id": {"S": "gone"}}]}
    assert [d.id for d in await store.in_flight()] == ["a"]


async def test_no_call_is_a_scan_and_none_grows_with_the_tables(store: DynamoStore, answers: Answers) -> None:
    for n in range(30):
        await store.put_deployment(deployment(f"d{n}", repository_id=n % 3, stage=Stage.RUNNING))
    answers.calls.clear()
    opened = await store.put_deployment(deployment("new"))
    await store.put_deployment(opened.model_copy(update={"stage": Stage.FAILED}))
    await store.deployments_of(1, limit=5)
    await store.in_flight()
    assert answers.calls == ["put_item", "update_item", "query", "batch_get_item", "query", "query", "query"]


async def test_a_table_that_is_not_there_is_a_setting_to_mend(dynamodb: Client, name: str) -> None:
    missing = DynamoStore(dynamodb, Tables.prefixed(f"{name}-none-"))
    with pytest.raises(SettingsError, match=r"does not exist.*WHALERAY_AWS_"):
        await missing.probe()


async def test_a_record_of_a_later_version_is_read(store: DynamoStore, endpoint: str, tables: Tables) -> None:
    await store.put_installation(Installation(id=9, account="octo", account_id=3))
    boto(endpoint, "dynamodb").put_item(
        TableName=tables.users,
        Item={"id": {"N": "9"}, "body": {"S": '{"id": 9, "account": "cat", "account_id": 3, "of_later": true}'}},
    )
    read = await store.installation(9)
    assert read is not None
    assert read.account == "cat"


async def test_what_is_new_is_ordered_by_its_first_write(dynamodb: Client, tables: Tables) -> None:
    """Also where the times of its stages are the same."""
    ticks = itertools.count(1_764_000_000_000_000_000)
    store = DynamoStore(dynamodb, tables, clock=lambda: next(ticks))
    for name in ("z", "a", "m"):
        await store.put_deployment(deployment(name))
    assert [d.id for d in await store.deployments_of(1)] == ["m", "a", "z"]
    assert [d.id for d in await store.in_flight()] == ["z", "a", "m"]
