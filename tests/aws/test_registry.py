"""What is registered in Cloud Map is what the router's DNS answers; what is published is what its tasks read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from bot.errors import SettingsError
from infra.aws.client import Client, Refused
from infra.aws.registry import TTL_S, CloudMapRegistry
from router.config import RouterConfig
from router.task import S3List
from tests.aws.conftest import boto
from tests.embedded.test_registry import Router


@pytest.fixture
def hello(name: str) -> str:
    """A service: moto lists those of every namespace, whatever it is asked for."""
    return f"github_1-octo-{name}"


@pytest.fixture
def router() -> Iterator[Router]:
    made = Router()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def namespace(endpoint: str, name: str) -> str:
    client = boto(endpoint, "servicediscovery")
    operation = client.create_private_dns_namespace(Name=f"{name}.local", Vpc=name)["OperationId"]
    found: str = client.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
    return found


@pytest.fixture
def make(endpoint: str, name: str, namespace: str, router: Router) -> Callable[[], CloudMapRegistry]:
    """One process's own."""
    boto(endpoint, "s3").create_bucket(Bucket=name)

    def made() -> CloudMapRegistry:
        return CloudMapRegistry(
            Client("servicediscovery", endpoint_url=endpoint),
            Client("s3", endpoint_url=endpoint),
            namespace_id=namespace,
            list_url=f"s3://{name}/listed.json",
            router_url=f"http://127.0.0.1:{router.server.server_port}",
            probe_token="token",
        )

    return made


@pytest.fixture
async def registry(make: Callable[[], CloudMapRegistry]) -> AsyncIterator[CloudMapRegistry]:
    made = make()
    yield made
    await made.aclose()


async def test_addresses_are_added_and_taken_away_one_by_one(
    hello: str, registry: CloudMapRegistry, make: Callable[[], CloudMapRegistry]
) -> None:
    await registry.register(hello, ["10.0.0.1"], 8080)
    await registry.register(hello, ["10.0.0.2", "10.0.0.1"], 8080)
    assert list(await registry.addresses(hello)) == ["10.0.0.1", "10.0.0.2"]
    other = make()
    assert list(await other.addresses(hello)) == ["10.0.0.1", "10.0.0.2"]
    await other.deregister(hello, ["10.0.0.1", "10.0.0.9"])
    await other.deregister(hello, ["10.0.0.1"])
    assert list(await registry.addresses(hello)) == ["10.0.0.2"]


async def test_a_service_that_was_never_registered_has_no_address_and_is_not_made(
    registry: CloudMapRegistry, endpoint: str, namespace: str
) -> None:
    assert list(await registry.addresses("github_1-octo-none")) == []
    await registry.deregister("github_1-octo-none", ["10.0.0.1"])
    await registry.forget("github_1-octo-none")
    assert services(endpoint, namespace) == []


def services(endpoint: str, namespace: str) -> list[dict[str, Any]]:
    client = boto(endpoint, "servicediscovery")
    known = [client.get_service(Id=each["Id"])["Service"] for each in client.list_services()["Services"]]
    return [each for each in known if each["NamespaceId"] == namespace]


async def test_a_service_is_one_of_cloud_map_by_its_own_name_with_a_short_ttl(
    hello: str, registry: CloudMapRegistry, endpoint: str, namespace: str
) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        await registry.register(hello, [address], 8080)
    (service,) = services(endpoint, namespace)
    assert service["Name"] == hello
    records = boto(endpoint, "servicediscovery").get_service(Id=service["Id"])["Service"]["DnsConfig"]["DnsRecords"]
    assert records == [{"Type": "A", "TTL": TTL_S}]


async def test_whoever_is_second_to_make_a_service_uses_the_firsts(
    hello: str, registry: CloudMapRegistry, endpoint: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloud Map's ServiceAlreadyExists names it (API reference, CreateService); moto would make a second one."""
    await registry.register(hello, ["10.0.0.1"], 8080)
    (service,) = services(endpoint, namespace)
    registry._ids.clear()
    client = registry._cloud_map
    original = client.call

    def raced(operation: str, /, **parameters: Any) -> dict[str, Any]:
        if operation == "list_services":
            return {"Services": []}
        if operation == "create_service":
            raise Refused("no", "", "ServiceAlreadyExists", {"ServiceId": service["Id"]})
        return original(operation, **parameters)

    monkeypatch.setattr(client, "call", raced)
    await registry.register(hello, ["10.0.0.2"], 8080)
    assert list(await registry.addresses(hello)) == ["10.0.0.1", "10.0.0.2"]


async def test_what_is_being_done_already_is_as_good_as_done(
    hello: str, registry: CloudMapRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloud Map's own operations take a while, and refuse a second one of the same meanwhile."""
    await registry.register(hello, ["10.0.0.1"], 8080)
    client = registry._cloud_map
    codes = iter(["DuplicateRequest", "DuplicateRequest", "InvalidInput"])

    def at_it(_operation: str, /, **_parameters: Any) -> dict[str, Any]:
        raise Refused("no", "", next(codes), {})

    monkeypatch.setattr(client, "call", at_it)
    await registry.register(hello, ["10.0.0.1"], 8080)
    await registry.deregister(hello, ["10.0.0.1"])
    with pytest.raises(Refused):
        await registry.deregister(hello, ["10.0.0.1"])


async def test_a_forgotten_service_is_gone_for_everybody(
    hello: str, registry: CloudMapRegistry, make: Callable[[], CloudMapRegistry], endpoint: str, namespace: str
) -> None:
    other = make()
    await registry.register(hello, ["10.0.0.1"], 8080)
    assert list(await other.addresses(hello)) == ["10.0.0.1"]
    await registry.deregister(hello, ["10.0.0.1"])
    await registry.forget(hello)
    assert services(endpoint, namespace) == []
    assert list(await other.addresses(hello)) == []


async def test_the_routers_tasks_read_what_is_published(registry: CloudMapRegistry, endpoint: str, name: str) -> None:
    now = 0.0
    listed = S3List(f"s3://{name}/listed.json", boto(endpoint, "s3"), lambda: now)
    await registry.publish([("b", 8080), ("a", 9090)])
    assert list(listed()) == [("a", 9090), ("b", 8080)]
    await registry.publish([])
    now = 10.0
    assert list(listed()) == []


async def test_what_has_not_changed_is_not_written_again(
    registry: CloudMapRegistry, make: Callable[[], CloudMapRegistry], monkeypatch: pytest.MonkeyPatch
) -> None:
    await registry.publish([("b", 8080), ("a", 9090)])
    other = make()
    called: list[str] = []
    original = other._s3.call

    def note(operation: str, /, **parameters: Any) -> dict[str, Any]:
        called.append(operation)
        return original(operation, **parameters)

    monkeypatch.setattr(other._s3, "call", note)
    await other.publish([("a", 9090), ("b", 8080)])
    assert called == ["get_object"]
    await other.publish([("a", 9090)])
    assert called == ["get_object", "get_object", "put_object"]


async def test_the_list_is_json_of_pairs(registry: CloudMapRegistry, endpoint: str, name: str) -> None:
    await registry.publish([("a", 8080)])
    body = boto(endpoint, "s3").get_object(Bucket=name, Key="listed.json")["Body"].read()
    assert json.loads(body) == [["a", 8080]]


async def test_confirmed_is_who_answered_through_the_router(
    hello: str, registry: CloudMapRegistry, router: Router
) -> None:
    router.upstream = "10.0.0.1:8080"
    assert await registry.confirm(hello, "10.0.0.1", "/actuator/health")
    assert router.paths == [f"/{hello}/actuator/health"]
    assert not await registry.confirm(hello, "10.0.0.2", "/")
    router.upstream = "10.0.0.9:8080, 10.0.0.1:8080"
    assert await registry.confirm(hello, "10.0.0.1", "/"), "the last of several that nginx tried"
    router.status = 502
    assert not await registry.confirm(hello, "10.0.0.1", "/")


async def test_draining_lasts_as_long_as_the_router_may_know_an_address(
    registry: CloudMapRegistry, tmp_path: Any
) -> None:
    config = RouterConfig(
        state_dir=tmp_path, host="127.0.0.1", port=8000, dns_port=53, probe_token="t" * 32, ttl_s=TTL_S
    )
    assert await registry.drain_seconds() == config.drain_s


def test_a_list_that_is_no_object_of_s3_is_refused() -> None:
    for url in ("", "http://bucket/key", "s3://bucket", "s3:///key"):
        with pytest.raises(SettingsError, match="WHALERAY_AWS_ROUTER_LIST"):
            CloudMapRegistry(
                Client("servicediscovery"), Client("s3"), namespace_id="n", list_url=url, router_url="", probe_token=""
            )
