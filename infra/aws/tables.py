"""The DynamoDB tables: what they are called, how they are keyed, what is kept where.

`users`        `id` (N): an installation, and who installed it.
`services`     `pk`, `sk` (S):
               `services#<shard>`, `<repository id>`: a service. All are listed by one query a shard, consistently and
               without a scan.
               `claim#<service id>`, `claim`: the repository that holds that service id.
               `branch#<repository id>#<ref>`, `branch`: where a branch was when a webhook told it.
               `audits#<service id>`, `<nanoseconds>#<nonce>`: who changed a secret.
               `once#<key>`, `once`: who asked for the key first.
`deployments`  `id` (S): a deployment; `view#<id>`: what GitHub shows of it. The indexes hold keys alone, so that the
               many writes of a deployment's life cost nothing there; records are then read by key, consistently.
               `by-service`: `repository_id` (N), `opened` (N, nanoseconds of the first write).
               `by-stage`: `in_flight` (S, the stage, there only until the deployment has ended), `opened`.
`jobs`         `id` (S), `expires` (N, time to live): what the queues remember; see `queue` and `view`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BY_SERVICE = "by-service"
BY_STAGE = "by-stage"
EXPIRES = "expires"
SHARDS = 8
"""Of the services. A partition takes 1,000 write units a second (DynamoDB's guide, "partition key design")."""


@dataclass(frozen=True)
class Tables:
    """Their names in this account."""

    users: str = "whaleray-users"
    services: str = "whaleray-services"
    deployments: str = "whaleray-deployments"
    jobs: str = "whaleray-jobs"

    @classmethod
    def prefixed(cls, prefix: str) -> Tables:
        return cls(*(f"{prefix}{name}" for name in ("users", "services", "deployments", "jobs")))


def definitions(tables: Tables) -> list[dict[str, Any]]:
    """`CreateTable`'s arguments of each table. Terraform makes the same."""
    return [
        _table(tables.users, {"id": "N"}, ("id",)),
        _table(tables.services, {"pk": "S", "sk": "S"}, ("pk", "sk")),
        _table(
            tables.deployments,
            {"id": "S", "repository_id": "N", "opened": "N", "in_flight": "S"},
            ("id",),
            {BY_SERVICE: ("repository_id", "opened"), BY_STAGE: ("in_flight", "opened")},
        ),
        _table(tables.jobs, {"id": "S"}, ("id",)),
    ]


def _table(
    name: str, types: dict[str, str], key: tuple[str, ...], indexes: dict[str, tuple[str, ...]] | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in types.items()],
        "KeySchema": _keyed(key),
    }
    if indexes:
        made["GlobalSecondaryIndexes"] = [
            {"IndexName": n, "KeySchema": _keyed(k), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for n, k in indexes.items()
        ]
    return made


def _keyed(key: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": n, "KeyType": t} for n, t in zip(key, ("HASH", "RANGE"), strict=False)]
