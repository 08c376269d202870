"""Secrets in SSM's parameter store: a SecureString each, `<path>/services/<service id>/<key>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import variables
from bot.errors import UserError
from infra.aws.client import Client, Refused

MOST = 8 * 1024
"""Bytes of an advanced parameter (SSM's quotas); a standard one has 4 KiB and costs nothing."""
_PAGE = 10


class SsmSecrets:
    """`bot.ports.Secrets`. `path`: without a trailing slash; `key_id`: of KMS, "" for the account's own."""

    def __init__(self, ssm: Client, path: str, key_id: str = "") -> None:
        self._ssm = ssm
        self._path = path
        self._key_id = key_id

    async def get(self, service_id: str) -> Mapping[str, str]:
        return await parameters(self._ssm, self._of(service_id))

    async def set(self, service_id: str, key: str, value: str) -> None:
        variables.check(key, value)
        if (size := len(value.encode())) > MOST:
            raise UserError(
                f"The value of {key} is too long.",
                f"It has {size} bytes; SSM takes {MOST}.",
                "Keep it in a store of its own.",
            )
        encryption = {"KeyId": self._key_id} if self._key_id else {}
        try:
            await self._ssm(
                "put_parameter",
                Name=f"{self._of(service_id)}/{key}",
                Value=value,
                Type="SecureString",
                Tier="Intelligent-Tiering",
                Overwrite=True,
                **encryption,
            )
        except Refused as refused:
            if refused.code != "ValidationException":
                raise
            raise UserError(
                f"SSM does not take the value of {key}.",
                "A value may not hold two curly brackets in a row, by which parameters name each other.",
                "Encode it, for example as base64.",
            ) from None  # the refusal may quote the value

    async def unset(self, service_id: str, key: str) -> None:
        try:
            await self._ssm("delete_parameter", Name=f"{self._of(service_id)}/{key}")
        except Refused as refused:
            if refused.code != "ParameterNotFound":
                raise

    def _of(self, service_id: str) -> str:
        return f"{self._path}/services/{service_id}"


async def parameters(ssm: Client, path: str) -> dict[str, str]:
    """Every parameter right under `path`, by the last part of its name."""
    found: dict[str, str] = {}
    token: dict[str, Any] = {}
    while True:
        page = await ssm("get_parameters_by_path", Path=path, WithDecryption=True, MaxResults=_PAGE, **token)
        found.update((each["Name"].rsplit("/", 1)[1], each["Value"]) for each in page["Parameters"])
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}
