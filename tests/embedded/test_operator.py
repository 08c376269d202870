"""Secrets set by whoever runs WhaleRay: only of services that are there, and never without an entry in the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import UserError
from bot.model import EngineName, Repository, Service
from infra.embedded.operator import Operator
from infra.embedded.store import SqliteStore

SERVICE = "github_1-octo-org-hello"


@pytest.fixture
async def operator(tmp_path: Path) -> Operator:
    store = SqliteStore(tmp_path / "whaleray.db")
    repository = Repository(id=1, owner="octo-org", name="hello", installation_id=1)
    await store.put_service(Service(repository=repository, service_id=SERVICE, engine=EngineName.PROCESS))
    await store.aclose()
    return Operator(tmp_path)


async def test_a_secret_that_is_set_is_named_and_one_that_is_deleted_is_not(operator: Operator) -> None:
    await operator.set_secret(SERVICE, "TOKEN", "x")
    assert await operator.secret_names(SERVICE) == ["TOKEN"]
    await operator.set_secret(SERVICE, "TOKEN", None)
    assert await operator.secret_names(SERVICE) == []


async def test_each_change_is_in_the_audit_and_says_that_it_was_an_operator(operator: Operator, tmp_path: Path) -> None:
    await operator.set_secret(SERVICE, "TOKEN", "x")
    await operator.set_secret(SERVICE, "TOKEN", None)
    store = SqliteStore(tmp_path / "whaleray.db")
    entries = await store.audits(SERVICE)
    await store.aclose()
    assert [(entry.action, entry.key) for entry in entries] == [("unset", "TOKEN"), ("set", "TOKEN")]
    assert all(entry.actor.endswith(" (operator)") for entry in entries)


async def test_what_is_not_there_can_be_neither_set_nor_deleted(operator: Operator) -> None:
    with pytest.raises(UserError, match=f"Known are: {SERVICE}"):
        await operator.set_secret("github_1-octo-org-hallo", "TOKEN", "x")
    with pytest.raises(UserError, match="has no secret TOKEN"):
        await operator.set_secret(SERVICE, "TOKEN", None)
    with pytest.raises(UserError, match="set by WhaleRay itself"):
        await operator.set_secret(SERVICE, "PORT", "1")
