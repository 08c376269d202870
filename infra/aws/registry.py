"""Which addresses a service answers at, in Cloud Map; and the list of services that the router's tasks read from S3."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.errors import SettingsError
from infra.aws.client import Client, Refused

if TYPE_CHECKING:
    import httpx

TTL_S = 5
"""Of the DNS records."""
VALID_S = 1
"""How often the router asks again at least; `router.config`."""
PROBE = "X-WhaleRay-Probe"
UPSTREAM = "X-WhaleRay-Upstream"
PROBE_TIMEOUT_S = 2.0
_PAGE = 100
_GONE = frozenset({"InstanceNotFound", "ServiceNotFound"})
_AT_IT = "DuplicateRequest"
"""The same operation is under way already."""


class CloudMapRegistry:
    """`bot.ports.Registry`. A service is a service of Cloud Map under its own name, an address an instance.

    What is registered is read by ListInstances: DiscoverInstances lags behind. `list_url`: `s3://bucket/key`, as the
    router's tasks are told it.
    """

    def __init__(
        self,
        cloud_map: Client,
        s3: Client,
        *,
        namespace_id: str,
        list_url: str,
        router_url: str,
        probe_token: str,
        ttl_s: int = TTL_S,
        valid_s: int = VALID_S,
    ) -> None:
        parts = urlsplit(list_url)
        if parts.scheme != "s3" or not parts.netloc or len(parts.path) < 2:
            raise SettingsError(f"WHALERAY_AWS_ROUTER_LIST is {list_url!r}.", "", "Use s3://bucket/key.")
        self._cloud_map = cloud_map
        self._s3 = s3
        self._namespace_id = namespace_id
        self._where = {"Bucket": parts.netloc, "Key": parts.path[1:]}
        self._router_url = router_url.rstrip("/")
        self._probe_token = probe_token
        self._ttl_s = ttl_s
        self._drain_s = ttl_s + valid_s + 1.0
        self._ids: dict[str, str] = {}
        self._http: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def register(self, service_id: str, addresses: Sequence[str], port: int) -> None:
        found = await self._id(service_id) or await self._create(service_id)

        async def one(address: str) -> None:
            try:
                await self._cloud_map(
                    "register_instance",
                    ServiceId=found,
                    InstanceId=address,
                    Attributes={"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(port)},
                )
            except Refused as refused:
                if refused.code != _AT_IT:
                    raise

        await asyncio.gather(*(one(address) for address in addresses))

    async def deregister(self, service_id: str, addresses: Sequence[str]) -> None:
        found = await self._id(service_id)
        if found is None:
            return

        async def one(address: str) -> None:
            try:
                await self._cloud_map("deregister_instance", ServiceId=found, InstanceId=address)
            except Refused as refused:
                if refused.code not in _GONE and refused.code != _AT_IT:
                    raise

        await asyncio.gather(*(one(address) for address in addresses))

    async def addresses(self, service_id: str) -> Sequence[str]:
        found = await self._id(service_id)
        if found is None:
            return []
        try:
            instances = await self._pages("list_instances", "Instances", ServiceId=found)
        except Refused as refused:
            if refused.code not in _GONE:
                raise
            self._ids.pop(service_id, None)
            return []
        return sorted({each["Attributes"]["AWS_INSTANCE_IPV4"] for each in instances})

    async def forget(self, service_id: str) -> None:
        """Nothing of the service is left in Cloud Map; its addresses must be deregistered already."""
        found = await self._id(service_id)
        if found is None:
            return
        try:
            await self._cloud_map("delete_service", Id=found)
        except Refused as refused:
            if refused.code not in _GONE:
                raise
        self._ids.pop(service_id, None)

    async def publish(self, services: Sequence[tuple[str, int]]) -> None:
        wanted = json.dumps(sorted(services)).encode()
        if await self._published() != wanted:
            await self._s3("put_object", **self._where, Body=wanted, ContentType="application/json")

    async def _published(self) -> bytes | None:
        try:
            return await self._s3.body("get_object", **self._where)
        except Refused as refused:
            if refused.code != "NoSuchKey":
                raise
            return None

    async def confirm(self, service_id: str, address: str, health_path: str) -> bool:
        import httpx  # noqa: PLC0415 - not on the path that acknowledges a webhook

        if self._http is None:
            self._http = httpx.AsyncClient(timeout=PROBE_TIMEOUT_S, trust_env=False)
        url = f"{self._router_url}/{service_id}/{health_path.lstrip('/')}"
        try:
            answer = await self._http.get(url, headers={PROBE: self._probe_token})
        except httpx.HTTPError:
            return False
        answered_by = answer.headers.get(UPSTREAM, "").split(",")[-1].strip().rsplit(":", 1)[0]
        return answered_by == address and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR

    async def drain_seconds(self) -> float:
        return self._drain_s

    async def _id(self, service_id: str) -> str | None:
        """Cloud Map's own id of it. What one look finds is kept: ids never change."""
        if service_id not in self._ids:
            namespace = [{"Name": "NAMESPACE_ID", "Values": [self._namespace_id], "Condition": "EQ"}]
            known = await self._pages("list_services", "Services", Filters=namespace)
            self._ids.update((each["Name"], each["Id"]) for each in known)
        return self._ids.get(service_id)

    async def _create(self, service_id: str) -> str:
        try:
            made = await self._cloud_map(
                "create_service",
                Name=service_id,
                NamespaceId=self._namespace_id,
                DnsConfig={
                    "RoutingPolicy": "MULTIVALUE",
                    "DnsRecords": [{"Type": "A", "TTL": self._ttl_s}],
                },
            )
        except Refused as refused:
            if refused.code != "ServiceAlreadyExists":
                raise
            found = str(refused.response["ServiceId"])  # somebody else was first
        else:
            found = str(made["Service"]["Id"])
        self._ids[service_id] = found
        return found

    async def _pages(self, operation: str, name: str, **parameters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = await self._cloud_map(operation, MaxResults=_PAGE, **parameters, **token)
            found += page[name]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}
