"""What Lambda calls, called as Lambda does: from API Gateway, SQS, EventBridge and its schedule."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import handlers
from bot.errors import Gone, OurError, Outage, SettingsError
from bot.events import Event, Hint, Show, Tick
from bot.model import Cause, Deployment, EngineName, Repository, Service, Stage, StageTime
from infra.aws import wiring
from infra.aws.entry import hint, http, inbox, tick, view
from infra.aws.entry import world as entry
from infra.aws.hints import family
from infra.aws.queue import QueueUrls
from infra.aws.tables import Tables
from tests.aws.conftest import boto

ROOT = Path(__file__).parents[2]
SECRET = "of-the-webhook"
REPOSITORY = Repository(id=1, owner="octo", name="hello", installation_id=9)
SETTINGS = {"github_webhook_secret": SECRET, "link_key": "k" * 32, "probe_token": "t" * 32, "github_app_id": "7"}


@dataclass
class Lambda:
    """An account as Terraform leaves it, and one process that serves a function."""

    endpoint: str
    inbox_urls: QueueUrls
    view_urls: QueueUrls
    environment: dict[str, str]
    remaining_ms: int = 300_000
    aws_request_id: str = "r"
    function_name: str = "whaleray"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:whaleray"
    received: list[dict[str, Any]] = field(default_factory=list)

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms

    def push(self, urls: QueueUrls) -> dict[str, Any]:
        """What SQS calls the function with: what is visible now."""
        found = boto(self.endpoint, "sqs").receive_message(
            QueueUrl=urls.queue, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=180
        )
        self.received = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
            }
            for message in found.get("Messages", [])
        ]
        return {"Records": self.received}

    def delete_but(self, urls: QueueUrls, response: dict[str, Any]) -> list[str]:
        """What Lambda does then. The bodies' events that failed."""
        failures = {each["itemIdentifier"] for each in response["batchItemFailures"]}
        for record in self.received:
            if record["messageId"] not in failures:
                boto(self.endpoint, "sqs").delete_message(QueueUrl=urls.queue, ReceiptHandle=record["receiptHandle"])
        return [
            json.loads(record["body"])["event"]["deployment"]
            for record in self.received
            if record["messageId"] in failures
        ]

    def depth(self, urls: QueueUrls) -> tuple[int, int, int]:
        """Visible, leased or put back, dead."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = boto(self.endpoint, "sqs")
        here = sqs.get_queue_attributes(QueueUrl=urls.queue, AttributeNames=names)["Attributes"]
        dead = sqs.get_queue_attributes(QueueUrl=urls.dead, AttributeNames=names)["Attributes"]
        return int(here[names[0]]), int(here[names[1]]), int(dead[names[0]])


@pytest.fixture
def here(
    endpoint: str,
    name: str,
    tables: Tables,
    inbox_urls: QueueUrls,
    view_urls: QueueUrls,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lambda]:
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
        "LAMBDA_TASK_ROOT": str(ROOT),
        "POWERTOOLS_METRICS_NAMESPACE": "WhaleRay",
        "WHALERAY_AWS_PARAMETERS": f"/{name}",
        "WHALERAY_AWS_TABLE_PREFIX": f"{name}-",
        "WHALERAY_AWS_INBOX_URL": inbox_urls.queue,
        "WHALERAY_AWS_INBOX_DEAD_URL": inbox_urls.dead,
        "WHALERAY_AWS_VIEW_URL": view_urls.queue,
        "WHALERAY_AWS_VIEW_DEAD_URL": view_urls.dead,
        "WHALERAY_AWS_NAMESPACE_ID": "ns-1",
        "WHALERAY_AWS_ROUTER_LIST": "s3://bucket/listed.json",
        "WHALERAY_ROUTER_URL": "https://apps.example.com",
        "WHALERAY_PUBLIC_URL": "https://bot.example.com",
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    for key, value in SETTINGS.items():
        boto(endpoint, "ssm").put_parameter(Name=f"/{name}/bot/{key}", Value=value, Type="SecureString")
    forget()
    yield Lambda(endpoint, inbox_urls, view_urls, environment)
    entry.run(entry.world().close())
    entry.loop().close()
    forget()


def forget() -> None:
    for cached in (entry.loop, entry.settings, entry.world, http._mangum):
        cached.cache_clear()


def request(path: str, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "GET") -> dict[str, Any]:
    """API Gateway's, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers or {},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            "domainName": "bot.example.com",
            "stage": "$default",
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def delivery(body: bytes, secret: str = SECRET, guid: str = "11111111-1111-1111-1111-111111111111") -> dict[str, Any]:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": guid,
        "x-hub-signature-256": signature,
    }
    return request("/webhook", body, headers, "POST")


PUSH = json.dumps(
    {
        "ref": "refs/heads/main",
        "before": "a" * 40,
        "after": "b" * 40,
        "repository": {
            "id": 1,
            "name": "hello",
            "full_name": "octo/hello",
            "owner": {"login": "octo"},
            "default_branch": "main",
        },
        "installation": {"id": 9},
        "sender": {"login": "cat", "type": "User"},
    }
).encode()


def test_a_webhook_is_acknowledged_when_it_is_in_the_inbox(here: Lambda) -> None:
    for _ in range(2):
        assert http.handler(delivery(PUSH), here)["statusCode"] == 202
    assert http.handler(delivery(PUSH, secret="other"), here)["statusCode"] == 401
    (record,) = here.push(here.inbox_urls)["Records"]
    assert json.loads(record["body"])["event"]["after"] == "b" * 40
    assert record["attributes"]["MessageGroupId"] == "1"


def test_a_queue_that_cannot_be_written_is_said_so_that_github_keeps_the_delivery(
    here: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHALERAY_AWS_INBOX_URL", here.inbox_urls.queue + "-none")
    answer = http.handler(delivery(PUSH), here)
    assert (answer["statusCode"], "redeliver" in answer["body"]) == (503, True)


def test_the_other_pages_are_there(here: Lambda) -> None:
    assert http.handler(request("/healthz"), here)["statusCode"] == 200
    ready = http.handler(request("/readyz"), here)
    assert (ready["statusCode"], ready["body"]) == (200, "ok\n")
    assert http.handler(request("/none"), here)["statusCode"] == 404


def test_what_is_missing_is_named(here: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("WHALERAY_AWS_VIEW_URL")
        patch.delenv("WHALERAY_PUBLIC_URL")
        with pytest.raises(SettingsError, match=r"WHALERAY_AWS_VIEW_URL is not set(.|\n)*WHALERAY_PUBLIC_URL"):
            entry.world()
    entry.settings.cache_clear()


IMPORTED = """
import sys, time
began = time.process_time()
import infra.aws.entry.http as http
took = time.process_time() - began
heavy = ("githubkit", "infra.github", "infra.aws.bedrock", "handlers", "uvicorn", "docker", "moto", "yaml.constructor")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
answer = http.handler(__import__("json").loads(sys.stdin.read()), None)
print(answer["statusCode"], [name for name in heavy[:5] if name in sys.modules], round(took * 1000))
"""


def test_neither_githubkit_nor_bedrock_is_on_the_way_of_a_webhook(here: Lambda) -> None:
    """In a process of its own, as Lambda starts one."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        input=json.dumps(delivery(PUSH)),
        env=dict(os.environ) | {"AWS_LAMBDA_FUNCTION_NAME": "whaleray-http", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("202 [] "), done.stdout


PutBack = Callable[[str, float], Coroutine[Any, Any, None]]


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the handlers were given; `broken` says what one of a deployment raises."""
    known: dict[str, Any] = {"events": [], "gave_up": [], "broken": {}}

    async def handle(_ports: Any, event: Event) -> None:
        known["events"].append(event)
        if isinstance(event, Hint | Show) and (error := known["broken"].get(event.deployment)):
            raise error

    async def gave_up(_ports: Any, event: Event) -> None:
        known["gave_up"].append(event)

    monkeypatch.setattr(handlers, "handle", handle)
    monkeypatch.setattr(handlers, "gave_up", gave_up)
    monkeypatch.setattr(view, "dispatch_view", handle)
    return known


def send(here: Lambda, name: str, group: str) -> None:
    entry.run(entry.world().inbox.send(Hint(deployment=name, repository_id=1), group=group, key=name))


def names(handled: dict[str, Any]) -> list[str]:
    return [event.deployment for event in handled["events"]]


def visible(here: Lambda, urls: QueueUrls, seconds: float = 10) -> dict[str, Any]:
    """The next push, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while not (pushed := here.push(urls))["Records"]:
        assert time.monotonic() < deadline, "nothing became visible"
    return pushed


def test_jobs_are_done_in_order_and_deleted(here: Lambda, handled: dict[str, Any]) -> None:
    for name in "abc":
        send(here, name, "g")
    response = inbox.handler(here.push(here.inbox_urls), here)
    assert response == {"batchItemFailures": []}
    assert names(handled) == list("abc")


def test_a_job_that_fails_holds_back_its_group_and_no_other(here: Lambda, handled: dict[str, Any]) -> None:
    for name, group in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        send(here, name, group)
    handled["broken"]["a1"] = ValueError("broken")
    response = inbox.handler(here.push(here.inbox_urls), here)
    assert sorted(here.delete_but(here.inbox_urls, response)) == ["a1", "a2"]
    assert sorted(names(handled)) == ["a1", "b1"]
    handled["broken"].clear()
    response = inbox.handler(visible(here, here.inbox_urls), here)
    assert here.delete_but(here.inbox_urls, response) == []
    assert names(handled)[2:] == ["a1", "a2"], "long before the visibility time-out of three minutes"


def test_an_outage_is_waited_out_and_counts_no_attempt(here: Lambda, handled: dict[str, Any]) -> None:
    send(here, "a", "g")
    handled["broken"]["a"] = Outage("GitHub is down.")
    for _ in range(2):
        here.delete_but(here.inbox_urls, inbox.handler(visible(here, here.inbox_urls), here))
    job = entry.run(entry.world().inbox.lease(wait=8))
    assert job is not None
    assert job.attempts == 1


def test_what_is_gone_is_done(here: Lambda, handled: dict[str, Any]) -> None:
    send(here, "a", "g")
    handled["broken"]["a"] = Gone("The repository is gone.")
    assert inbox.handler(here.push(here.inbox_urls), here) == {"batchItemFailures": []}


def test_a_job_that_keeps_failing_is_given_up_and_buried(here: Lambda, handled: dict[str, Any]) -> None:
    send(here, "a", "g")
    handled["broken"]["a"] = OurError("broken")
    known = entry.world().inbox
    known._put_back = _at_once(known._put_back)  # type: ignore[method-assign, assignment]  # no minute between two tries
    for _ in range(8):
        here.delete_but(here.inbox_urls, inbox.handler(visible(here, here.inbox_urls), here))
    assert here.depth(here.inbox_urls) == (0, 0, 1)
    assert handled["gave_up"][0] == handled["events"][0]


def _at_once(put_back: PutBack) -> PutBack:
    return lambda handle, after: put_back(handle, 0 * after)


def test_without_time_left_jobs_are_handed_back_untried(here: Lambda, handled: dict[str, Any]) -> None:
    send(here, "a", "g")
    here.remaining_ms = 20_000
    for _ in range(3):
        response = inbox.handler(visible(here, here.inbox_urls), here)
        assert here.delete_but(here.inbox_urls, response) == ["a"]
    assert names(handled) == []
    job = entry.run(entry.world().inbox.lease(wait=5))
    assert job is not None
    assert job.attempts == 1


def test_a_message_that_cannot_be_read_is_buried_and_the_rest_done(here: Lambda, handled: dict[str, Any]) -> None:
    boto(here.endpoint, "sqs").send_message(
        QueueUrl=here.inbox_urls.queue, MessageBody="?", MessageGroupId="g", MessageDeduplicationId="x"
    )
    send(here, "a", "g")
    assert inbox.handler(here.push(here.inbox_urls), here) == {"batchItemFailures": []}
    assert names(handled) == ["a"]
    assert here.depth(here.inbox_urls)[2] == 1


def test_the_queue_that_cannot_be_asked_costs_an_attempt_and_a_moment(
    here: Lambda, handled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(here, "a", "g")
    pushed = here.push(here.inbox_urls)
    put_back: list[float] = []

    async def broken(_delivered: Any) -> None:
        raise Outage("DynamoDB is down.")

    async def note(_handle: str, after: float) -> None:
        put_back.append(after)

    monkeypatch.setattr(entry.world().inbox, "take", broken)
    monkeypatch.setattr(entry.world().inbox, "_put_back", note)
    response = inbox.handler(pushed, here)
    assert len(response["batchItemFailures"]) == 1
    assert put_back == [5.0]


def show(here: Lambda, name: str, group: str) -> None:
    entry.run(entry.world().view.send(Show(deployment=name, repository_id=1), group=group, key=f"show:{name}"))


def test_the_view_is_written_and_what_fails_comes_again(here: Lambda, handled: dict[str, Any]) -> None:
    for name in "abc":
        show(here, name, name)
    handled["broken"]["b"] = Outage("GitHub is down.")
    response = view.handler(here.push(here.view_urls), here)
    assert here.delete_but(here.view_urls, response) == ["b"]
    assert sorted(names(handled)) == list("abc")
    handled["broken"].clear()
    response = view.handler(visible(here, here.view_urls), here)
    assert here.delete_but(here.view_urls, response) == []
    assert names(handled)[3:] == ["b"]
    show(here, "a", "a")
    assert len(here.push(here.view_urls)["Records"]) == 1, "its group is free again"


def test_of_one_group_one_view_is_written_at_a_time(here: Lambda, handled: dict[str, Any]) -> None:
    for name in "ab":
        show(here, name, "g")
    response = view.handler(here.push(here.view_urls), here)
    (later,) = here.delete_but(here.view_urls, response)
    (first,) = names(handled)
    assert {first, later} == {"a", "b"}
    view.handler(visible(here, here.view_urls), here)
    assert names(handled)[1:] == [later]


def test_the_schedule_ticks(here: Lambda, handled: dict[str, Any]) -> None:
    tick.handler({"source": "aws.events"}, here)
    inbox.handler(here.push(here.inbox_urls), here)
    (event,) = handled["events"]
    assert isinstance(event, Tick)
    assert event.number == int(event.at) // 60


SERVICE_ID = "github_1-octo-hello"


def deploy(here: Lambda, name: str, stage: Stage, *, live: str | None = None, rollout: str | None = None) -> None:
    store = entry.world().store
    service = entry.run(store.service(1)) or Service(
        repository=REPOSITORY, service_id=SERVICE_ID, engine=EngineName.AWS
    )
    entry.run(store.put_service(service.model_copy(update={"live_deployment": live, "rollout": rollout})))
    entry.run(
        store.put_deployment(
            Deployment(
                id=name,
                repository_id=1,
                service_id=SERVICE_ID,
                cause=Cause(delivery=name),
                sha="a" * 40,
                ref="main",
                stage=stage,
                stage_times=(StageTime(stage=stage, at=1.0),),
            )
        )
    )


def codebuild(deployment: str) -> dict[str, Any]:
    """As in CodeBuild's user guide, "Build notifications input format reference", shortened."""
    variables = [
        {"name": "COMMIT_SHA", "type": "PLAINTEXT", "value": "a" * 40},
        {"name": "DEPLOYMENT_ID", "type": "PLAINTEXT", "value": deployment},
    ]
    return {
        "source": "aws.codebuild",
        "detail-type": "CodeBuild Build State Change",
        "detail": {
            "build-status": "SUCCEEDED",
            "project-name": "whaleray",
            "additional-information": {"environment": {"environment-variables": variables}},
        },
    }


def task(deployment: str) -> dict[str, Any]:
    """As in ECS's developer guide, "Amazon ECS task state change events", shortened."""
    return {
        "source": "aws.ecs",
        "detail-type": "ECS Task State Change",
        "resources": ["arn:aws:ecs:us-east-1:123456789012:task/whaleray/0f8d"],
        "detail": {
            "group": f"service:{SERVICE_ID}",
            "lastStatus": "RUNNING",
            "taskDefinitionArn": f"arn:aws:ecs:us-east-1:123456789012:task-definition/{family(deployment)}:1",
        },
    }


SERVICE_EVENT = {
    "source": "aws.ecs",
    "detail-type": "ECS Deployment State Change",
    "resources": [f"arn:aws:ecs:us-east-1:123456789012:service/whaleray/{SERVICE_ID}"],
    "detail": {"eventName": "SERVICE_DEPLOYMENT_FAILED"},
}


@pytest.mark.parametrize("event", [codebuild("d1"), task("d1"), SERVICE_EVENT])
def test_what_happens_to_a_build_or_a_task_is_a_hint(
    here: Lambda, handled: dict[str, Any], event: dict[str, Any]
) -> None:
    deploy(here, "d1", Stage.DEPLOYING, rollout="d1")
    hint.handler(event, here)
    hint.handler(event, here)
    inbox.handler(here.push(here.inbox_urls), here)
    assert names(handled) == ["d1"], "one that waits is enough"


def test_what_happens_to_a_live_deployment_is_a_hint_too(here: Lambda, handled: dict[str, Any]) -> None:
    deploy(here, "old", Stage.RUNNING, live="old")
    deploy(here, "d1", Stage.RUNNING, live="d1")
    for event in (task("d1"), task("old")):
        hint.handler(event, here)
    inbox.handler(here.push(here.inbox_urls), here)
    assert names(handled) == ["d1"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": "aws.ecs", "detail": None},
        {"source": "aws.ecs", "detail": {"taskDefinitionArn": "arn:aws:ecs:x:1:task-definition/other:3"}},
        {"source": "aws.codebuild", "detail": {"additional-information": {"environment": []}}},
        {
            "source": "aws.codebuild",
            "detail": {"additional-information": {"environment": {"environment-variables": [1]}}},
        },
        {"source": "aws.ec2", "detail": {"instance-id": "i-1"}},
        codebuild("of-somebody-else"),
        {**SERVICE_EVENT, "resources": ["arn:aws:ecs:us-east-1:1:service/whaleray/other"]},
    ],
)
def test_what_is_not_about_a_deployment_of_ours_is_let_pass(here: Lambda, event: dict[str, Any]) -> None:
    hint.handler(event, here)
    assert here.depth(here.inbox_urls) == (0, 0, 0)


def test_one_machine_asks_bedrock_only_where_a_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.diagnosis import RulesAnalyst
    from bot.diagnosis.fallback import FallbackAnalyst
    from bot.settings import Settings

    assert isinstance(wiring.analyst(Settings()), RulesAnalyst)
    assert isinstance(wiring.analyst(Settings(), on_aws=True), FallbackAnalyst)
    assert isinstance(wiring.analyst(Settings(bedrock_model_id="none"), on_aws=True), RulesAnalyst)
    assert isinstance(wiring.analyst(Settings(bedrock_model_id="anthropic.claude-haiku-5-5")), FallbackAnalyst)


def test_the_engine_of_aws_is_missed_in_words(here: Lambda) -> None:
    with pytest.raises(SettingsError, match="not part of this version"):
        entry.run(entry.world().ports.engine.observe("d1"))
