"""AWS as far as moto stands in for it: on loopback, with made-up credentials, and each test with names of its own."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from moto.server import ThreadedMotoServer

from infra.aws import client as aws
from infra.aws.client import Client
from infra.aws.queue import QueueUrls
from infra.aws.tables import Tables, definitions
from tests.aws.one_at_a_time import take_turns
from tests.aws.recorder import CALLED, OPERATORS, listed, record

REGION = "us-east-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(scope="session")
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        aws.session.cache_clear()
        aws.session().register("before-call.*.*", record)
        yield
        aws.session.cache_clear()


@pytest.fixture(autouse=True)
def _only_listed_calls() -> Iterator[None]:
    yield
    spare = CALLED - listed() - OPERATORS
    assert not spare, f"add to infra/aws/operations.txt, and to the policies: {spare}"


@pytest.fixture(scope="session")
def endpoint(_environment: None) -> Iterator[str]:
    """moto's server, of this test process's own."""
    with pytest.MonkeyPatch.context() as patch:
        take_turns(patch)
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@functools.cache
def _own() -> Any:
    import boto3  # type: ignore[import-untyped]  # it ships no types

    return boto3.session.Session()


@functools.cache
def boto(endpoint: str, service: str) -> Any:
    """The test's own way in: what it asks for is not recorded."""
    return _own().client(service, endpoint_url=endpoint, region_name=REGION)


@pytest.fixture(scope="session")
def dynamodb(endpoint: str) -> Client:
    return Client("dynamodb", endpoint_url=endpoint)


@pytest.fixture(scope="session")
def sqs(endpoint: str) -> Client:
    return Client("sqs", endpoint_url=endpoint)


@pytest.fixture
def tables(endpoint: str, name: str) -> Iterator[Tables]:
    made = Tables.prefixed(f"{name}-")
    client = boto(endpoint, "dynamodb")
    for definition in definitions(made):
        client.create_table(**definition)
    yield made
    for definition in definitions(made):
        client.delete_table(TableName=definition["TableName"])


def queues(endpoint: str, name: str, *, fifo: bool) -> QueueUrls:
    """As Terraform makes them."""
    client = boto(endpoint, "sqs")
    suffix, attributes = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
    urls = [
        client.create_queue(QueueName=f"{name}-{which}{suffix}", Attributes=attributes)["QueueUrl"]
        for which in ("queue", "dead")
    ]
    return QueueUrls(*urls)


@pytest.fixture
def inbox_urls(endpoint: str, name: str) -> QueueUrls:
    return queues(endpoint, f"{name}-inbox", fifo=True)


@pytest.fixture
def view_urls(endpoint: str, name: str) -> QueueUrls:
    return queues(endpoint, f"{name}-view", fifo=False)


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    """A Lambda's entry configures the process's log; other tests have one of their own."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
