"""What `doctor` says of the model that diagnoses."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.aws.client import Client
from infra.aws.doctor import check_model

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MODEL = "global.anthropic.claude-haiku-5-5"
ALLOWED = {
    "modelId": "anthropic.claude-haiku-5-5",
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


class Bedrock:
    """Knows one model."""

    def __init__(self) -> None:
        self.life: dict[str, Any] = {"status": "ACTIVE"}
        self.access: dict[str, Any] = dict(ALLOWED)
        bedrock = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = "anthropic.claude-haiku-5-5"
                answers = {
                    f"/foundation-models/{name}": {
                        "modelDetails": {"modelArn": "arn:x", "modelId": name, "modelLifecycle": bedrock.life}
                    },
                    f"/foundation-model-availability/{name}": bedrock.access,
                }
                found = answers.get(self.path)
                body = json.dumps(found or {"message": "no such model"}).encode()
                self.send_response(200 if found else 404)
                if not found:
                    self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.client = Client("bedrock", endpoint_url=f"http://127.0.0.1:{self.server.server_port}", attempts=1)


@pytest.fixture
def bedrock(_environment: None) -> Iterator[Bedrock]:
    made = Bedrock()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def test_a_model_that_may_be_asked_is_fine(bedrock: Bedrock) -> None:
    check = await check_model(bedrock.client, MODEL, NOW)
    assert (check.detail, check.problem) == (MODEL, None)


async def test_a_model_that_is_not_there_is_a_setting(bedrock: Bedrock) -> None:
    check = await check_model(bedrock.client, "anthropic.claude-3-haiku-20240307-v1:0", NOW)
    assert check.problem is not None
    assert "knows no model" in check.problem
    assert "WHALERAY_BEDROCK_MODEL_ID" in check.problem


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "not authorised"),
        ({"agreementAvailability": {"status": "NOT_AVAILABLE"}}, "terms have not been accepted"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "no access"),
    ],
)
async def test_a_model_that_may_not_be_asked_is_said_with_why(
    bedrock: Bedrock, changed: dict[str, Any], words: str
) -> None:
    bedrock.access |= changed
    check = await check_model(bedrock.client, MODEL, NOW)
    assert check.problem is not None
    assert words in check.problem


async def test_a_profile_is_there_where_its_model_is_not(bedrock: Bedrock) -> None:
    bedrock.access["regionAvailability"] = "NOT_AVAILABLE"
    assert (await check_model(bedrock.client, MODEL, NOW)).problem is None
    alone = await check_model(bedrock.client, "anthropic.claude-haiku-5-5", NOW)
    assert "not in this region" in (alone.problem or "")


async def test_an_end_of_life_is_told_before_it_comes(bedrock: Bedrock) -> None:
    bedrock.life = {"status": "LEGACY", "endOfLifeTime": "2027-01-05T00:00:00Z"}
    assert "until 2027-01-05" in (await check_model(bedrock.client, MODEL, NOW)).detail
    after = await check_model(bedrock.client, MODEL, datetime(2027, 1, 6, tzinfo=UTC))
    assert "reached its end of life on 2027-01-05" in (after.problem or "")
    assert "a legacy model" in (await check_model(bedrock.client, MODEL, datetime(2026, 1, 1, tzinfo=UTC))).detail


async def test_a_bedrock_that_is_away_is_said(_environment: None) -> None:
    check = await check_model(Client("bedrock", endpoint_url="http://127.0.0.1:9", attempts=1), MODEL, NOW)
    assert "can't be reached" in (check.problem or "")
