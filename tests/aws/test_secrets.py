"""Secrets of services in SSM: encrypted there, each service's own, and what it does not take is said."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest

from bot.errors import Outage, UserError
from infra.aws.client import Client, Refused
from infra.aws.secrets import MOST, SsmSecrets
from tests.aws.conftest import boto

HELLO = "github_1-octo-hello"


@pytest.fixture
def ssm(endpoint: str) -> Client:
    return Client("ssm", endpoint_url=endpoint)


@pytest.fixture
def secrets(ssm: Client, name: str) -> SsmSecrets:
    return SsmSecrets(ssm, f"/{name}")


async def test_they_come_back_and_are_each_services_own(secrets: SsmSecrets) -> None:
    assert await secrets.get(HELLO) == {}
    await secrets.set(HELLO, "TOKEN", "s3cret")
    await secrets.set("other", "TOKEN", "other")
    await secrets.set(HELLO, "TOKEN", "newer")
    assert await secrets.get(HELLO) == {"TOKEN": "newer"}
    await secrets.unset(HELLO, "TOKEN")
    await secrets.unset(HELLO, "NEVER")
    assert await secrets.get(HELLO) == {}
    assert await secrets.get("other") == {"TOKEN": "other"}


async def test_a_service_whose_name_begins_like_anothers_sees_none_of_its_secrets(secrets: SsmSecrets) -> None:
    await secrets.set(HELLO + "-2", "TOKEN", "other")
    assert await secrets.get(HELLO) == {}


async def test_they_are_encrypted_there(secrets: SsmSecrets, endpoint: str, name: str) -> None:
    await secrets.set(HELLO, "TOKEN", "s3cret")
    stored = boto(endpoint, "ssm").get_parameter(Name=f"/{name}/services/{HELLO}/TOKEN")["Parameter"]
    assert stored["Type"] == "SecureString"
    assert stored["Value"] != "s3cret"


async def test_the_key_that_encrypts_them_can_be_named(ssm: Client, endpoint: str, name: str) -> None:
    key = boto(endpoint, "kms").create_key()["KeyMetadata"]["KeyId"]
    await SsmSecrets(ssm, f"/{name}", key).set(HELLO, "TOKEN", "s3cret")
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [f"/{name}/services/{HELLO}/TOKEN"]}]
    (known,) = boto(endpoint, "ssm").describe_parameters(ParameterFilters=wanted)["Parameters"]
    assert known["KeyId"] == key


async def test_more_than_one_page_comes_whole(secrets: SsmSecrets) -> None:
    await asyncio.gather(*(secrets.set(HELLO, f"KEY_{n}", str(n)) for n in range(23)))
    assert await secrets.get(HELLO) == {f"KEY_{n}": str(n) for n in range(23)}


async def test_a_value_may_be_of_several_lines_and_any_script(secrets: SsmSecrets) -> None:
    value = "-----BEGIN\nМир 世界\n-----END\n" + "x" * 5000
    await secrets.set(HELLO, "CERTIFICATE", value)
    assert (await secrets.get(HELLO))["CERTIFICATE"] == value


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("1X", "x", "can't be the name"),
        ("PORT", "x", "set by WhaleRay itself"),
        ("TOKEN", "x" * (MOST + 1), "too long"),
        ("TOKEN", "", "needs a value"),
    ],
)
async def test_what_no_service_can_have_is_refused(secrets: SsmSecrets, key: str, value: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        await secrets.set(HELLO, key, value)


async def test_a_value_that_ssm_refuses_is_not_in_the_error(
    secrets: SsmSecrets, ssm: Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_operation: str, /, **parameters: Any) -> dict[str, Any]:
        raise Refused("no", f"can't nest {parameters['Value']}", "ValidationException", {})

    value = "{{" + name + "}}"
    monkeypatch.setattr(ssm, "call", refuse)
    with pytest.raises(UserError, match=r"curly brackets.*base64") as refused:
        await secrets.set(HELLO, "TEMPLATE", value)
    assert value not in "".join(traceback.format_exception(refused.value))


async def test_throttling_is_an_outage(secrets: SsmSecrets, ssm: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it ships no types

    class Throttling:
        def get_parameters_by_path(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "x")

    monkeypatch.setattr(ssm, "boto", Throttling)
    with pytest.raises(Outage, match="no room for ssm get_parameters_by_path"):
        await secrets.get(HELLO)
