"""The router as a task of AWS: the same nginx, with Cloud Map's DNS and the list of services in S3.

`python -m router.task`, told by the environment: `WHALERAY_ROUTER_TOKEN` (the probe's), `WHALERAY_ROUTER_LIST`
(`s3://bucket/key`; without it every service is reached by DNS alone), `WHALERAY_ROUTER_RESOLVER`,
`WHALERAY_ROUTER_DOMAIN`, `WHALERAY_ROUTER_HOST`, `WHALERAY_ROUTER_PORT`, `WHALERAY_ROUTER_STATE`,
`WHALERAY_ROUTER_PROTO` and `WHALERAY_ROUTER_TRUSTED` (the networks of the load balancer in front, comma-separated).
The list is JSON: pairs of service id and port.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from router.config import RouterConfig, Service
from router.errors import RouterError
from router.supervisor import run_router

READ_EVERY_S = 5.0
READ_TIMEOUT_S = 2.0
VPC_RESOLVER = "169.254.169.253"
"""Amazon's, at the same address in every VPC (VPC user guide, "Amazon DNS server")."""

log = logging.getLogger(__name__)


def task_config(environment: Mapping[str, str]) -> RouterConfig:
    """Raises RouterError naming the variable that is missing or wrong."""
    given = {
        name.removeprefix("WHALERAY_ROUTER_"): value
        for name, value in environment.items()
        if name.startswith("WHALERAY_ROUTER_") and value
    }
    host, _, port = given.get("RESOLVER", VPC_RESOLVER).partition(":")
    proto = given.get("PROTO")
    if proto not in (None, "http", "https"):
        raise RouterError(f"WHALERAY_ROUTER_PROTO is {proto!r}.", "", "Use http or https.")
    try:
        return RouterConfig(
            state_dir=Path(given.get("STATE", "/tmp/router")),  # noqa: S108 - the task's own
            host=given.get("HOST", "0.0.0.0"),  # noqa: S104 - the task's security group says who may ask
            port=int(given.get("PORT", "8000")),
            dns_host=host,
            dns_port=int(port or 53),
            probe_token=given.get("TOKEN", ""),
            domain=given.get("DOMAIN", "whaleray.local"),
            resolver_timeout_s=2,
            workers=os.cpu_count() or 1,
            forwarded_proto=proto,  # type: ignore[arg-type]  # checked above
            trusted_proxies=tuple(n.strip() for n in given.get("TRUSTED", "").split(",") if n.strip()),
            log_to_stderr=True,
        )
    except ValueError as error:
        raise RouterError(
            "The router's environment is wrong.", f"{error}.", "Mend the task's WHALERAY_ROUTER_ variables."
        ) from error


class S3List:
    """The services in an S3 object, read again every few seconds; nothing is transferred while it is the same."""

    def __init__(self, url: str, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or len(parts.path) < 2:
            raise RouterError(f"WHALERAY_ROUTER_LIST is {url!r}.", "", "Use s3://bucket/key.")
        self._where = {"Bucket": parts.netloc, "Key": parts.path[1:]}
        self._client = client
        self._clock = clock
        self._services: Sequence[Service] = ()
        self._etag = ""
        self._due = float("-inf")

    def __call__(self) -> Sequence[Service]:
        """Raises what boto3 raises, and ValueError where the object is no list of services."""
        if self._clock() < self._due:
            return self._services
        self._due = self._clock() + READ_EVERY_S
        unless = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            found = self._client.get_object(**self._where, **unless)
        except self._client.exceptions.ClientError as error:
            match error.response["Error"]["Code"]:
                case "304":
                    return self._services
                case "NoSuchKey":  # nothing was listed yet
                    self._services, self._etag = (), ""
                    return self._services
            raise
        self._services = [(str(name), int(port)) for name, port in json.loads(found["Body"].read())]
        self._etag = found["ETag"]
        return self._services


def _listed(environment: Mapping[str, str]) -> Callable[[], Sequence[Service]]:
    url = environment.get("WHALERAY_ROUTER_LIST", "")
    if not url:
        return lambda: ()
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - the aws extra; it ships no types
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415

    patience = Config(connect_timeout=READ_TIMEOUT_S, read_timeout=READ_TIMEOUT_S, retries={"total_max_attempts": 1})
    return S3List(url, boto3.client("s3", config=patience))


def main() -> int:
    try:
        run_router(task_config(os.environ), None, _listed(os.environ))
    except RouterError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
