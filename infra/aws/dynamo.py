"""DynamoDB as the adapters use it: conditional writes that know their own retries, queries and batches to the end."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anyio

from bot.errors import Outage
from infra.aws.client import Client, Refused

Item = dict[str, Any]
"""An item in DynamoDB's own typed form: `{"id": {"S": "x"}}`."""

CONDITION = "ConditionalCheckFailedException"
CONFLICT = "TransactionConflictException"
CANCELLED = "TransactionCanceledException"
BATCH = 100
"""Keys of one BatchGetItem at most (API reference)."""
_LOOKS = 6
_LONGEST_KEY = 900
"""Bytes; a sort key may have 1,024."""


class Lost(Exception):
    """The condition of a write did not hold. `old`: what is stored instead; None where that isn't known or nothing."""

    def __init__(self, old: Item | None) -> None:
        super().__init__("the condition did not hold")
        self.old = old


def text(value: str) -> Item:
    return {"S": value}


def number(value: float) -> Item:
    return {"N": repr(value)}


def fit(key: str) -> str:
    """`key`, or a hash of one that is longer than a key may be."""
    return key if len(key.encode()) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def nonce() -> str:
    return uuid.uuid4().hex


class Dynamo:
    """Tables through one client. Raises what `Client` raises."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, table: str, key: Item) -> Item | None:
        """Consistently."""
        found = await self._client("get_item", TableName=table, Key=key, ConsistentRead=True)
        item: Item | None = found.get("Item")
        return item

    async def put(self, table: str, item: Item) -> None:
        await self._client("put_item", TableName=table, Item=item)

    async def delete(self, table: str, key: Item) -> None:
        await self._client("delete_item", TableName=table, Key=key)

    async def put_new(self, table: str, item: Item, key: str) -> None:
        """Raises Lost when an item with the same key is there. botocore may have sent the call twice: an item with
        this one's own `write` is this one."""
        try:
            await self._client(
                "put_item",
                TableName=table,
                Item=item,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except Refused as refused:
            old = _lost(refused)
            if old is None or old.get("write") != item.get("write", _NEVER):
                raise Lost(old) from refused

    async def update(
        self,
        table: str,
        key: Item,
        expression: str,
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Item] | None = None,
    ) -> Item:
        """The item after the write. Raises Lost when `condition` did not hold."""
        more: dict[str, Any] = {"ExpressionAttributeValues": dict(values)} if values else {}
        if condition:
            more |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            done = await self._client(
                "update_item",
                TableName=table,
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeNames=dict(names or {}),
                ReturnValues="ALL_NEW",
                **more,
            )
        except Refused as refused:
            raise Lost(_lost(refused)) from refused
        item: Item = done["Attributes"]
        return item

    async def transact(self, writes: Sequence[Item]) -> None:
        """All or none. Raises Lost when a condition did not hold, or another transaction was at it."""
        try:
            await self._client("transact_write_items", TransactItems=list(writes))
        except Refused as refused:
            if refused.code != CANCELLED:
                raise
            reasons = {reason.get("Code") for reason in refused.response.get("CancellationReasons", [])}
            if not reasons & {"ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"}:
                raise Outage("DynamoDB took back a transaction.", refused.why) from refused
            raise Lost(None) from refused

    async def query(self, table: str, *, most: int | None = None, **parameters: Any) -> list[Item]:
        """Every item of the query, or the first `most`."""
        found: list[Item] = []
        start: dict[str, Any] = {}
        while most is None or len(found) < most:
            limit = {} if most is None else {"Limit": most - len(found)}
            page = await self._client("query", TableName=table, **parameters, **limit, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return found

    async def get_all(self, table: str, key: str, values: Iterable[str]) -> dict[str, Item]:
        """Items by the value of their key `key`, consistently; those that are not there are left out."""
        wanted = [{key: text(value)} for value in dict.fromkeys(values)]
        found: dict[str, Item] = {}
        for begin in range(0, len(wanted), BATCH):
            for item in await self._batch(table, wanted[begin : begin + BATCH]):
                found[item[key]["S"]] = item
        return found

    async def _batch(self, table: str, keys: list[Item]) -> list[Item]:
        found: list[Item] = []
        for look in range(_LOOKS):
            asked = {table: {"Keys": keys, "ConsistentRead": True}}
            page = await self._client("batch_get_item", RequestItems=asked)
            found += page["Responses"].get(table, [])
            keys = page.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            if not keys:
                return found
            await anyio.sleep(0.05 * 2**look)
        raise Outage("DynamoDB has no room for a batch now.", f"{len(keys)} keys stay unread.")


_NEVER = object()


def _lost(refused: Refused) -> Item | None:
    """The item that made the condition fail. Raises `refused` itself when it was something else."""
    if refused.code == CONFLICT:
        return None
    if refused.code != CONDITION:
        raise refused
    return refused.response.get("Item")
