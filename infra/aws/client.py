"""boto3's core in asyncio: blocking calls go to threads, clients are shared by them, errors come back in words.

The clients are botocore's, as boto3 hands them out: boto3 itself would add its resources and S3 transfers, and with
them a tenth of a second to the start of the function that acknowledges webhooks."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
from anyio.lowlevel import RunVar
from botocore import exceptions as botocore  # type: ignore[import-untyped]  # it ships no types
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]

from bot.errors import OurError, Outage, SettingsError, WhaleRayError

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 5.0
ATTEMPTS = 3
"""In all, of one call; botocore's standard mode waits a jittered moment between them."""
THREADS = 32
"""Calls at once; more wait for their turn."""

Response = dict[str, Any]
T = TypeVar("T")

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TooManyUpdates",
        "TransactionInProgressException",
        "InternalServerError",
        "InternalFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "KMS.AccessDeniedException", "KmsAccessDenied"}
)
_UNKNOWN_CALLER = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NamespaceNotFound",
        "NoSuchBucket",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)


class Refused(OurError):
    """AWS understood the call and said no. `code` is AWS's own name of the reason; `response` its whole answer."""

    def __init__(self, what: str, why: str, code: str, response: Response) -> None:
        super().__init__(what, why)
        self.code = code
        self.response = response


@functools.cache
def session() -> Any:
    """The one session of this process: its credentials are found once, and its data files read once."""
    return Session()


_making = threading.Lock()  # sessions aren't thread-safe, clients are (boto3's guide, "Multithreading with clients")
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("aws")


def limiter() -> anyio.CapacityLimiter:
    """The event loop's own: one that belongs to another loop can't be waited for."""
    try:
        return _limiter.get()
    except LookupError:
        made = anyio.CapacityLimiter(THREADS)
        _limiter.set(made)
        return made


class Client:
    """One AWS service, asked by `await client("get_item", TableName=...)`.

    Raises Outage when AWS is slow, throttles or fails, SettingsError for missing permission, credentials, region or
    resource, and Refused for every other no. A call that is cancelled may still take effect.
    """

    def __init__(
        self,
        service: str,
        *,
        region: str = "",
        endpoint_url: str = "",
        read_timeout_s: float = READ_TIMEOUT_S,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._service = service
        self._region = region or None
        self._endpoint_url = endpoint_url or None
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=THREADS,
        )
        self._client: Any = None

    async def __call__(self, operation: str, /, **parameters: Any) -> Response:
        call = functools.partial(self.call, operation, **parameters)
        return await anyio.to_thread.run_sync(call, limiter=limiter(), abandon_on_cancel=True)

    async def body(self, operation: str, /, **parameters: Any) -> bytes:
        """The whole `Body` of an answer that streams one."""

        def read() -> bytes:
            answer = self.call(operation, **parameters)
            body: bytes = _worded(self._name(operation), answer["Body"].read)
            return body

        return await anyio.to_thread.run_sync(read, limiter=limiter(), abandon_on_cancel=True)

    def call(self, operation: str, /, **parameters: Any) -> Response:
        """The same, in this thread."""
        return _worded(self._name(operation), lambda: getattr(self.boto(), operation)(**parameters))

    def _name(self, operation: str) -> str:
        return f"{self._service} {operation}"

    def boto(self) -> Any:
        """The client itself, made when it is first needed: reading its description costs tens of milliseconds."""
        with _making:
            if self._client is None:
                self._client = session().create_client(
                    self._service, region_name=self._region, endpoint_url=self._endpoint_url, config=self._config
                )
            return self._client


def _worded(name: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except botocore.ClientError as error:
        raise _refused(name, error) from error
    except (botocore.HTTPClientError, botocore.ConnectionError) as error:
        raise Outage(f"AWS can't be reached for {name}.", f"{type(error).__name__}.") from error
    except (botocore.NoCredentialsError, botocore.PartialCredentialsError, botocore.CredentialRetrievalError) as error:
        raise SettingsError(
            "There are no AWS credentials.",
            f"{error}.",
            "Give the process a role, or set what boto3 reads (AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret).",
        ) from error
    except (botocore.NoRegionError, botocore.ProfileNotFound, botocore.InvalidConfigError) as error:
        raise SettingsError(
            "AWS is not set up for this process.", f"{error}.", "Set AWS_DEFAULT_REGION, or the profile's region."
        ) from error
    except botocore.BotoCoreError as error:
        raise OurError(f"The call {name} could not be made.", f"{error}.") from error


def _refused(name: str, error: Any) -> WhaleRayError:
    response: Response = error.response
    told = response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED or status >= 500 or status == 429:
        after = str(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", ""))
        return Outage(
            f"AWS has no room for {name} now.", f"{code}: {message}", retry_after=float(after) if after.isdigit() else 0
        )
    if code in _DENIED:
        return SettingsError(f"AWS denies {name}.", message, "Allow it in the role's policy.")
    if code in _UNKNOWN_CALLER:
        return SettingsError(f"AWS does not accept the credentials for {name}.", f"{code}: {message}", "Renew them.")
    if code in _MISSING:
        return SettingsError(
            f"What {name} names does not exist.",
            message or code,
            "Compare the WHALERAY_AWS_ settings with Terraform's outputs, and the region.",
        )
    return Refused(f"AWS refused {name}.", f"{code}: {message}", code, response)


def code_of(error: WhaleRayError) -> str:
    """AWS's own name of the reason of an error that `Client` raised; "" where AWS did not answer."""
    cause = error.__cause__
    return str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, botocore.ClientError) else ""
