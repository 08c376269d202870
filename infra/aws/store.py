"""The store in DynamoDB: records as JSON, beside the attributes that are asked for. `tables` says what is where."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from bot.errors import Conflict
from bot.model import Audit, Branch, Deployment, Installation, Service, Stage, View
from infra.aws.client import Client
from infra.aws.dynamo import Dynamo, Item, Lost, fit, nonce, number, text
from infra.aws.tables import BY_SERVICE, BY_STAGE, SHARDS, Tables

_IN_FLIGHT = tuple(stage for stage in Stage if not stage.ended)


class DynamoStore:
    """`bot.ports.Store`. Records are read consistently; only *which* deployments a service or a stage has comes from
    an index, that may lag behind by a moment: what is overlooked then is seen by the next hint or sweep.

    `clock`: nanoseconds, by which what is new is ordered.
    """

    def __init__(self, client: Client, tables: Tables, clock: Callable[[], int] = time.time_ns) -> None:
        self._db = Dynamo(client)
        self._tables = tables
        self._clock = clock

    async def probe(self) -> None:
        """Raises Outage or SettingsError when nothing can be read now."""
        await self.installation(0)

    async def installation(self, installation_id: int) -> Installation | None:
        found = await self._db.get(self._tables.users, {"id": number(installation_id)})
        return Installation.model_validate_json(_body(found)) if found else None

    async def put_installation(self, installation: Installation) -> None:
        item = {"id": number(installation.id), "body": text(installation.model_dump_json())}
        await self._db.put(self._tables.users, item)

    async def delete_installation(self, installation_id: int) -> None:
        await self._db.delete(self._tables.users, {"id": number(installation_id)})

    async def service(self, repository_id: int) -> Service | None:
        found = await self._db.get(self._tables.services, _service_key(repository_id))
        return Service.model_validate_json(_body(found)) if found else None

    async def service_named(self, service_id: str) -> Service | None:
        claim = await self._db.get(self._tables.services, _claim_key(service_id))
        return await self.service(int(claim["repository_id"]["N"])) if claim else None

    async def services(self) -> Sequence[Service]:
        shards = await asyncio.gather(
            *(
                self._db.query(
                    self._tables.services,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": text(f"services#{shard}")},
                    ConsistentRead=True,
                )
                for shard in range(SHARDS)
            )
        )
        known = [Service.model_validate_json(_body(item)) for shard in shards for item in shard]
        return sorted(known, key=lambda service: service.repository_id)

    async def put_service(self, service: Service) -> Service:
        """A service's id is frozen: a write that changes it is a Conflict."""
        stored = service.model_copy(update={"revision": service.revision + 1})
        try:
            if service.revision == 0:
                await self._new_service(stored)
            else:
                await self._update(
                    self._tables.services,
                    _service_key(stored.repository_id),
                    stored.model_dump_json(),
                    stored.revision,
                    {"service_id": text(stored.service_id)},
                )
        except Lost as lost:
            raise Conflict(
                f"The service {service.service_id} was changed by somebody else, or its id or repository is taken."
            ) from lost
        return stored

    async def _new_service(self, service: Service) -> None:
        record = {
            **_service_key(service.repository_id),
            "service_id": text(service.service_id),
            "revision": number(service.revision),
            "body": text(service.model_dump_json()),
        }
        claim = {**_claim_key(service.service_id), "repository_id": number(service.repository_id)}
        await self._db.transact(
            [
                {
                    "Put": {
                        "TableName": self._tables.services,
                        "Item": item,
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                }
                for item in (record, claim)
            ]
        )

    async def deployment(self, deployment_id: str) -> Deployment | None:
        found = await self._db.get(self._tables.deployments, {"id": text(deployment_id)})
        return Deployment.model_validate_json(_body(found)) if found else None

    async def put_deployment(self, deployment: Deployment) -> Deployment:
        stored = deployment.model_copy(update={"revision": deployment.revision + 1})
        in_flight = {} if stored.stage.ended else {"in_flight": text(stored.stage.value)}
        key, body = {"id": text(stored.id)}, stored.model_dump_json()
        try:
            if deployment.revision == 0:
                item = {
                    **key,
                    **in_flight,
                    "repository_id": number(stored.repository_id),
                    "opened": number(self._clock()),
                    "revision": number(stored.revision),
                    "body": text(body),
                    "write": text(nonce()),
                }
                await self._db.put_new(self._tables.deployments, item, "id")
            else:
                await self._update(self._tables.deployments, key, body, stored.revision, in_flight=in_flight)
        except Lost as lost:
            raise Conflict(f"Deployment {deployment.id} was changed by somebody else, or is there already.") from lost
        return stored

    async def _update(
        self,
        table: str,
        key: Item,
        body: str,
        revision: int,
        same: Item | None = None,
        in_flight: Item | None = None,
    ) -> None:
        """A record over its earlier revision. `same`: attributes that must be as they are. Raises Lost."""
        write = nonce()
        names = {"#body": "body", "#revision": "revision", "#write": "write"}
        values = {":body": text(body), ":new": number(revision), ":old": number(revision - 1), ":write": text(write)}
        expression = "SET #body = :body, #revision = :new, #write = :write"
        condition = "#revision = :old"
        for name, value in (same or {}).items():
            names[f"#{name}"], values[f":{name}"] = name, value
            condition += f" AND #{name} = :{name}"
        if in_flight is not None:
            names["#flight"] = "in_flight"
            if in_flight:
                values[":flight"] = in_flight["in_flight"]
            expression += ", #flight = :flight" if in_flight else " REMOVE #flight"
        try:
            await self._db.update(table, key, expression, condition=condition, names=names, values=values)
        except Lost as lost:
            # botocore may have sent it twice: what this very call has written is no conflict
            if lost.old is None or lost.old.get("write") != text(write):
                raise

    async def deployments_of(self, repository_id: int, limit: int = 20) -> Sequence[Deployment]:
        keys = await self._db.query(
            self._tables.deployments,
            most=limit,
            IndexName=BY_SERVICE,
            KeyConditionExpression="repository_id = :id",
            ExpressionAttributeValues={":id": number(repository_id)},
            ScanIndexForward=False,
        )
        found = await self._records(keys)
        return [found[name] for key in keys if (name := key["id"]["S"]) in found]

    async def in_flight(self) -> Sequence[Deployment]:
        stages = await asyncio.gather(
            *(
                self._db.query(
                    self._tables.deployments,
                    IndexName=BY_STAGE,
                    KeyConditionExpression="in_flight = :stage",
                    ExpressionAttributeValues={":stage": text(stage.value)},
                )
                for stage in _IN_FLIGHT
            )
        )
        keys = [key for stage in stages for key in stage]
        found = await self._records(sorted(keys, key=lambda key: int(key["opened"]["N"])))
        return [each for each in found.values() if not each.stage.ended]

    async def _records(self, keys: Sequence[Item]) -> dict[str, Deployment]:
        """What the index's keys stand for, in their order."""
        names = list(dict.fromkeys(key["id"]["S"] for key in keys))
        items = await self._db.get_all(self._tables.deployments, "id", names)
        return {name: Deployment.model_validate_json(_body(items[name])) for name in names if name in items}

    async def view(self, deployment_id: str) -> View:
        found = await self._db.get(self._tables.deployments, {"id": text(f"view#{deployment_id}")})
        return View.model_validate_json(_body(found)) if found else View(deployment=deployment_id)

    async def put_view(self, view: View) -> None:
        item = {"id": text(f"view#{view.deployment}"), "body": text(view.model_dump_json())}
        await self._db.put(self._tables.deployments, item)

    async def branch(self, repository_id: int, ref: str) -> Branch | None:
        found = await self._db.get(self._tables.services, _key(f"branch#{repository_id}#{ref}", "branch"))
        return Branch.model_validate_json(_body(found)) if found else None

    async def put_branch(self, branch: Branch) -> None:
        key = _key(f"branch#{branch.repository_id}#{branch.ref}", "branch")
        await self._db.put(self._tables.services, {**key, "body": text(branch.model_dump_json())})

    async def put_audit(self, audit: Audit) -> None:
        key = _key(f"audits#{audit.service_id}", f"{self._clock():020d}#{nonce()}")
        await self._db.put(self._tables.services, {**key, "body": text(audit.model_dump_json())})

    async def audits(self, service_id: str, limit: int = 20) -> Sequence[Audit]:
        found = await self._db.query(
            self._tables.services,
            most=limit,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": text(f"audits#{service_id}")},
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        return [Audit.model_validate_json(_body(item)) for item in found]

    async def once(self, key: str, by: str = "") -> bool:
        item = {**_key(f"once#{key}", "once"), "by": text(by), "write": text(nonce())}
        try:
            await self._db.put_new(self._tables.services, item, "pk")
        except Lost as lost:
            return bool(by) and lost.old is not None and lost.old["by"] == text(by)
        return True


def _key(pk: str, sk: str) -> Item:
    return {"pk": text(fit(pk)), "sk": text(sk)}


def _service_key(repository_id: int) -> Item:
    return _key(f"services#{repository_id % SHARDS}", str(repository_id))


def _claim_key(service_id: str) -> Item:
    return _key(f"claim#{service_id}", "claim")


def _body(item: Item) -> str:
    body: str = item["body"]["S"]
    return body
