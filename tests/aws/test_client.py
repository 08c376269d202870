"""Errors of AWS in words, and time-outs that hold. A small server of our own answers what AWS might."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import pytest

from bot.errors import OurError, Outage, SettingsError
from infra.aws import client as aws
from infra.aws.client import Client, Refused, code_of
from tests.aws.conftest import ENVIRONMENT


class Aws:
    """Answers each request with the next of `answers`; the last one stays."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str, str]] = []
        self.asked = 0
        self.hold = threading.Event()
        self.hold.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                status, code, message = server.answers[min(server.asked, len(server.answers) - 1)]
                server.asked += 1
                server.hold.wait(20)
                body = f'{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{message}"}}'.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server(_environment: None) -> Iterator[Aws]:
    made = Aws()
    yield made
    made.hold.set()
    made.server.shutdown()
    made.server.server_close()


def client(server: Aws, attempts: int = 1, read_timeout_s: float = 5) -> Client:
    return Client("dynamodb", endpoint_url=server.url, attempts=attempts, read_timeout_s=read_timeout_s)


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (400, "ProvisionedThroughputExceededException", Outage, "no room"),
        (400, "ThrottlingException", Outage, "no room"),
        (400, "RequestLimitExceeded", Outage, "no room"),
        (500, "InternalServerError", Outage, "no room"),
        (503, "Whatever", Outage, "no room"),
        (400, "AccessDeniedException", SettingsError, "Allow it in the role's policy"),
        (400, "UnrecognizedClientException", SettingsError, "credentials"),
        (400, "ExpiredTokenException", SettingsError, "Renew them"),
        (400, "ResourceNotFoundException", SettingsError, "WHALERAY_AWS_"),
        (400, "ValidationException", Refused, "refused dynamodb"),
    ],
)
async def test_what_aws_answers_is_said_in_words(
    server: Aws, status: int, code: str, kind: type[Exception], words: str
) -> None:
    server.answers = [(status, code, "told by AWS")]
    with pytest.raises(kind, match=words) as raised:
        await client(server)("list_tables")
    assert "told by AWS" in str(raised.value)
    assert code_of(raised.value) == code  # type: ignore[arg-type]  # all are WhaleRay's


async def test_a_passing_fault_is_tried_again(server: Aws) -> None:
    server.answers = [(500, "InternalServerError", ""), (200, "", "")]
    await client(server, attempts=3)("list_tables")
    assert server.asked == 2


async def test_a_lasting_fault_is_tried_no_more_than_that(server: Aws) -> None:
    server.answers = [(500, "InternalServerError", "")]
    with pytest.raises(Outage):
        await client(server, attempts=2)("list_tables")
    assert server.asked == 2


async def test_an_aws_that_does_not_answer_is_an_outage_in_time(server: Aws) -> None:
    server.answers = [(200, "", "")]
    server.hold.clear()
    began = time.monotonic()
    with pytest.raises(Outage, match="can't be reached for dynamodb list_tables"):
        await client(server, read_timeout_s=0.3)("list_tables")
    assert time.monotonic() - began < 10


async def test_whoever_gives_up_waiting_is_not_held(server: Aws) -> None:
    server.answers = [(200, "", "")]
    server.hold.clear()
    asking = client(server)
    asking.boto()
    began = time.monotonic()
    with anyio.move_on_after(0.2) as scope:
        await asking("list_tables")
    assert scope.cancelled_caught
    assert time.monotonic() - began < 4


async def test_nobody_there_is_an_outage(_environment: None) -> None:
    with pytest.raises(Outage, match="can't be reached"):
        await Client("dynamodb", endpoint_url="http://127.0.0.1:9", attempts=1)("list_tables")


async def test_a_wrong_parameter_is_our_own_fault(server: Aws) -> None:
    with pytest.raises(OurError, match="could not be made"):
        await client(server)("get_item", TableName=1)


async def test_no_credentials_and_no_region_are_settings(server: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setattr(aws, "session", aws.session.__wrapped__)
    server.answers = [(200, "", "")]
    with pytest.raises(SettingsError, match="no AWS credentials"):
        await client(server)("list_tables")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SettingsError, match="AWS_DEFAULT_REGION"):
        await client(server)("list_tables")
    assert server.asked == 0


def test_these_tests_know_no_credentials_but_their_own(_environment: None) -> None:
    import os

    assert {name for name in os.environ if name.startswith("AWS_")} == set(ENVIRONMENT)
