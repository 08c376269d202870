"""The router as a task of AWS: another DNS, and the list of services in S3."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it ships no types
import pytest
from moto.server import ThreadedMotoServer

from router.dns import DnsServer, Zone
from router.errors import RouterError
from router.task import READ_EVERY_S, VPC_RESOLVER, S3List, task_config
from tests.router.rig import TOKEN, Backend, Rig, eventually, free_port, new_address

BUCKET, KEY = "whaleray-router", "listed.json"
NAME = "github_8-cloud"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    names = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (names | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    client().create_bucket(Bucket=BUCKET)
    yield f"s3://{BUCKET}/{KEY}"
    server.stop()


def client() -> Any:
    return boto3.client("s3")


def write(*services: tuple[str, int]) -> None:
    client().put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps(services).encode())


def test_the_list_is_read_now_and_then_and_only_when_it_changed(aws: str) -> None:
    now, s3 = 0.0, client()
    listed = S3List(aws, s3, lambda: now)
    assert list(listed()) == [], "nothing was listed yet"
    write((NAME, 8080))
    assert list(listed()) == [], "it was read a moment ago"
    now += READ_EVERY_S
    first = listed()
    assert list(first) == [(NAME, 8080)]
    now += READ_EVERY_S
    assert listed() is first, "304"
    write((NAME, 9090))
    now += READ_EVERY_S
    assert list(listed()) == [(NAME, 9090)]


def test_a_list_that_cannot_be_read_is_said_and_not_taken_for_empty(aws: str) -> None:
    s3 = client()
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucket"):
        S3List("s3://other-bucket/x", s3)()
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"{")
    with pytest.raises(ValueError, match="Expecting"):
        S3List(aws, s3)()
    with pytest.raises(RouterError, match="WHALERAY_ROUTER_LIST"):
        S3List("http://bucket/key", s3)


def test_the_environment_makes_the_configuration() -> None:
    config = task_config({"WHALERAY_ROUTER_TOKEN": TOKEN})
    assert (config.listen, config.resolver, config.log_to_stderr) == ("0.0.0.0:8000", f"{VPC_RESOLVER}:53", True)
    given = {"TOKEN": TOKEN, "PROTO": "https", "TRUSTED": "10.0.0.0/8, 10.1.0.0/16", "DOMAIN": "x.local", "PORT": "80"}
    config = task_config({f"WHALERAY_ROUTER_{name}": value for name, value in given.items()})
    assert (config.forwarded_proto, config.domain, config.port) == ("https", "x.local", 80)
    assert config.trusted_proxies == ("10.0.0.0/8", "10.1.0.0/16")


@pytest.mark.parametrize(
    "wrong", [{}, {"TOKEN": "short"}, {"TOKEN": TOKEN, "PORT": "x"}, {"TOKEN": TOKEN, "PROTO": "ftp"}]
)
def test_a_wrong_environment_is_refused_in_words(wrong: dict[str, str]) -> None:
    with pytest.raises(RouterError, match="WHALERAY_ROUTER_"):
        task_config({f"WHALERAY_ROUTER_{name}": value for name, value in wrong.items()})


@pytest.fixture
async def task(tmp_path: Path, aws: str) -> AsyncIterator[tuple[Rig, Backend]]:
    """The task as its image starts it, with a DNS that isn't its own."""
    rig = Rig(tmp_path, service_port=8080)
    backend = Backend(new_address(), rig.service_port)
    await backend.start()
    dns = DnsServer(Zone("whaleray.local", 1, lambda name: [backend.address] if name == NAME else None), "127.0.0.1", 0)
    given = {"TOKEN": TOKEN, "LIST": aws, "RESOLVER": f"127.0.0.1:{dns.port}", "STATE": str(rig.state_dir)}
    given |= {"HOST": "127.0.0.1", "PORT": str(rig.port), "PROTO": "https"}
    environment = os.environ | {f"WHALERAY_ROUTER_{name}": value for name, value in given.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "router.task", env=environment)
    yield rig, backend
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 70) == 0
    dns.close()
    await backend.kill()
    await rig.registry.aclose()


async def test_it_serves_by_dns_alone_and_by_the_list_when_there_is_one(task: tuple[Rig, Backend]) -> None:
    rig, backend = task

    async def serves() -> bool:
        try:
            return (await rig.ask(f"/{NAME}/x")).status == 200
        except OSError:
            return False

    await eventually(serves)
    assert (await rig.ask("/github_8-none/")).status == 404
    assert backend.requests[-1].all("X-Forwarded-Proto") == ["https"]
    write((NAME, 8080), ("github_8-stopped", 8080))

    async def knows_what_is_down() -> bool:
        return (await rig.ask("/github_8-stopped/")).status == 503

    await eventually(knows_what_is_down)

    async def keeps_connections() -> bool:
        before = backend.connections
        for _ in range(20):
            assert await serves()
        return backend.connections - before < 5

    await eventually(keeps_connections)
