"""GitHub's JSON into events: what GitHub really sends, what it says that it sends, and rubbish."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from syrupy.assertion import SnapshotAssertion

from bot import payloads
from bot.events import (
    CheckRunAction,
    CheckSuiteRerun,
    Comment,
    Event,
    InstallationChanged,
    PullRequestChanged,
    Push,
    RepositoryChanged,
)
from bot.model import Repository
from tests.support.webhooks import SERVERS, Delivery, description, examples

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
NOON = 1_793_620_800.0
MADE = tuple(description().made())
HELLO = Repository(
    id=186853002,
    owner="Codertocat",
    name="Hello-World",
    installation_id=1,
    default_branch="master",
    html_url="https://github.com/Codertocat/Hello-World",
)
COMMON: dict[str, Any] = {"delivery": GUID, "received_at": NOON, "repository": HELLO, "sender": "Codertocat"}
CHANGES = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
FIRST = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
ZEROS = "0" * 40


def read(name: str, payload: object) -> Event | None:
    return payloads.parse(name, GUID, json.dumps(payload).encode(), NOON)


def example(name: str, *, as_app: bool = True, **values: object) -> dict[str, Any]:
    """The first real one with these values, as an App gets it: it alone is told of its installation."""
    payload = next(d.payload for d in examples() if d.name == name and values.items() <= d.payload.items())
    return {**payload, "installation": payload.get("installation", {"id": 1})} if as_app else dict(payload)


def known(deliveries: Iterable[Delivery]) -> Iterator[Any]:
    for delivery in deliveries:
        if delivery.name in payloads.HANDLED:
            yield pytest.param(delivery, id=str(delivery))


def test_there_are_as_many_as_github_has() -> None:
    assert len(examples()) == 329
    assert len(MADE) == 261
    assert {d.name for d in examples()} | {d.name for d in MADE} > payloads.HANDLED


def test_what_is_made_of_the_schemas_fits_them() -> None:
    """But for values of which the description wants to know of what kind they are, and they fit two."""
    registry: Any = Registry().with_resource("urn:github", DRAFT202012.create_resource(description().description))
    for key, delivery in zip(description().webhooks, MADE, strict=True):
        if delivery.name in payloads.HANDLED:
            schema = json.loads(json.dumps(description().schema(key)).replace('"#/', '"urn:github#/'))
            wrong: list[Any] = list(OAS31Validator(schema, registry=registry).iter_errors(delivery.payload))
            assert [e.message for e in wrong if e.validator != "oneOf"] == [], key


@pytest.mark.parametrize("delivery", list(known(examples())))
def test_the_event_of_a_real_delivery(delivery: Delivery, snapshot: SnapshotAssertion) -> None:
    """As a repository's own webhook gets it, where the example is one, it has no installation: nothing of ours."""
    if "installation" not in delivery.payload:
        assert read(delivery.name, delivery.payload) is None
    payload = {**delivery.payload, "installation": delivery.payload.get("installation", {"id": 1})}
    event = read(delivery.name, payload)
    assert (event.model_dump(mode="json") if event else None) == snapshot


@pytest.mark.parametrize("delivery", list(known(MADE)))
def test_the_event_of_a_described_delivery(delivery: Delivery, snapshot: SnapshotAssertion) -> None:
    event = read(delivery.name, delivery.payload)
    assert (event.model_dump(mode="json") if event else None) == snapshot


def test_all_other_deliveries_are_no_events() -> None:
    found = [d for d in (*examples(), *MADE) if d.name not in payloads.HANDLED and read(d.name, d.payload)]
    assert found == []


@pytest.mark.parametrize("server", SERVERS)
def test_an_enterprise_server_s_deliveries_are_read_as_well(server: str) -> None:
    events = [read(d.name, {**d.payload, "installation": {"id": 1}}) for d in examples(server)]
    assert {event.type for event in events if event} >= {"pull_request", "repository"}


def test_a_push() -> None:
    assert read("push", example("push", ref="refs/heads/master")) == Push(
        **COMMON,
        branch="master",
        after=FIRST,
        message="Initial commit",
        pusher="Codertocat",
        configured=True,  # the branch is new: what it brings is not listed
    )


@pytest.mark.parametrize(
    ("changed", "configured"),
    [
        ({"modified": ["README.md"]}, False),
        ({"modified": [".whaleray.yml"]}, True),
        ({"added": [".whaleray.yaml"]}, True),
        ({"removed": [".whaleray.yml"]}, True),
        ({"modified": ["docs/.whaleray.yml"]}, False),
        ({"added": None}, True),
    ],
)
def test_a_push_tells_whether_the_configuration_may_have_changed(changed: dict[str, Any], configured: bool) -> None:
    commit = {"id": FIRST, "added": [], "removed": [], "modified": [], **changed}
    payload = {**example("push", ref="refs/heads/master"), "created": False, "commits": [commit]}
    event = read("push", payload)
    assert isinstance(event, Push)
    assert event.configured is configured
    too_many: dict[str, Any] = {"commits": [commit] * payloads.LISTED_COMMITS}
    without: tuple[dict[str, Any], ...] = ({"forced": True}, {"commits": []}, too_many)
    for unlisted in without:
        event = read("push", {**payload, **unlisted})
        assert isinstance(event, Push)
        assert event.configured


def test_a_branch_that_was_deleted() -> None:
    payload = {**example("push", ref="refs/heads/master"), "deleted": True, "after": ZEROS, "head_commit": None}
    event = read("push", payload)
    assert isinstance(event, Push)
    assert (event.deleted, event.after, event.message) == (True, ZEROS, "")


def test_a_tag_is_no_push() -> None:
    assert read("push", example("push", ref="refs/tags/simple-tag")) is None


def test_a_comment() -> None:
    payload = example("issue_comment", action="created")
    payload["comment"] = {**payload["comment"], "body": "/whaleray deploy", "created_at": "2026-11-02T12:00:00Z"}
    payload["issue"] = {**payload["issue"], "pull_request": {"url": "https://api.github.com/x"}}
    event = read("issue_comment", payload)
    assert event == Comment(
        **{**COMMON, "repository": event.repository if isinstance(event, Comment) else None},
        issue=payload["issue"]["number"],
        is_pull_request=True,
        comment_id=payload["comment"]["id"],
        body="/whaleray deploy",
        created_at=NOON,
    )
    on_issue = read("issue_comment", {**payload, "issue": {"number": 3}})
    assert isinstance(on_issue, Comment)
    assert not on_issue.is_pull_request


@pytest.mark.parametrize("change", [{"action": "edited"}, {"action": "deleted"}, {"comment": {"body": "Looks good."}}])
def test_a_comment_that_says_nothing_new_to_whaleray(change: dict[str, Any]) -> None:
    payload = example("issue_comment", action="created")
    comment = {**payload["comment"], "body": "/whaleray deploy", **change.get("comment", {})}
    assert read("issue_comment", {**payload, **change, "comment": comment}) is None


def test_a_bot_is_known_as_one() -> None:
    event = read("check_suite", example("check_suite", action="rerequested"))
    assert event == CheckSuiteRerun(
        **{**COMMON, "repository": HELLO.model_copy(update={"installation_id": 957387})}
        | {"sender": "octocoders-linter[bot]", "sender_is_bot": True},
        head_sha=CHANGES,
    )


def test_a_button_of_a_check() -> None:
    payload = example("check_run", action="requested_action")
    payload["check_run"] = {**payload["check_run"], "external_id": "d3f9"}
    payload["requested_action"] = {"identifier": "rollback"}
    electron = Repository(
        id=9384267,
        owner="electron",
        name="electron",
        installation_id=690857,
        default_branch="master",
        html_url="https://github.com/electron/electron",
    )
    assert read("check_run", payload) == CheckRunAction(
        **{**COMMON, "repository": electron, "sender": "codebytere"},
        action="requested_action",
        external_id="d3f9",
        head_sha="5bd5f196a46b8222fb7484f05faba41a73cf34bd",
        identifier="rollback",
        pull_requests=(26764,),
    )


def test_a_check_that_is_to_run_again() -> None:
    event = read("check_run", example("check_run", action="rerequested"))
    assert isinstance(event, CheckRunAction)
    assert (event.action, event.identifier, event.pull_requests) == ("rerequested", "", ())


@pytest.mark.parametrize("action", ["created", "completed"])
def test_what_checks_report_themselves_is_no_event(action: str) -> None:
    assert read("check_run", example("check_run", action=action)) is None


def test_a_pull_request_opened_and_closed() -> None:
    opened = PullRequestChanged(
        **COMMON,
        action="opened",
        number=2,
        head_sha=CHANGES,
        head_repository_id=HELLO.id,
    )
    payload = example("pull_request", action="opened")
    payload["pull_request"] = example("pull_request", action="synchronize")["pull_request"]
    payload["repository"] = example("pull_request", action="synchronize")["repository"]
    payload["sender"] = example("pull_request", action="synchronize")["sender"]
    payload["installation"] = {"id": 1}
    assert read("pull_request", payload) == opened
    assert not opened.from_fork
    event = read("pull_request", {**payload, "action": "closed"})
    assert event == opened.model_copy(update={"action": "closed"})


@pytest.mark.parametrize("repo", [None, {"id": 9}])
def test_a_pull_request_from_a_fork_also_of_one_that_is_gone(repo: dict[str, int] | None) -> None:
    payload = example("pull_request", action="synchronize")
    pull = {**payload["pull_request"], "head": {"sha": CHANGES, "ref": "changes", "repo": repo}}
    event = read("pull_request", {**payload, "pull_request": pull})
    assert isinstance(event, PullRequestChanged)
    assert event.from_fork


def test_an_installation_and_what_it_covers() -> None:
    event = read("installation", example("installation", action="created"))
    base = {"delivery": GUID, "received_at": NOON, "account": "Codertocat", "account_id": 21031067}
    by = {"sender": "Codertocat", "sender_id": 21031067}
    bare = Repository(id=HELLO.id, owner="Codertocat", name="Hello-World", installation_id=957387)
    created = InstallationChanged(**base, **by, action="created", installation_id=957387, added=(bare,))
    assert event == created
    space = bare.model_copy(update={"id": 186853007, "name": "Space"})
    event = read("installation_repositories", example("installation_repositories", action="added"))
    assert event == created.model_copy(update={"action": "added", "added": (space,)})


def test_repositories_are_news_only_at_first() -> None:
    """GitHub lists them with each of an installation's deliveries."""
    for action in ("deleted", "new_permissions_accepted"):
        event = read("installation", example("installation", action=action))
        assert isinstance(event, InstallationChanged)
        assert (event.action, event.added) == (action, ())


def test_a_repository_taken_from_an_installation() -> None:
    event = read("installation_repositories", example("installation_repositories", action="removed"))
    assert isinstance(event, InstallationChanged)
    assert (event.action, event.added, event.removed) == ("removed", (), (1296269,))


def test_a_repository_that_moved() -> None:
    event = read("repository", example("repository", action="transferred"))
    assert isinstance(event, RepositoryChanged)
    assert (event.action, event.repository.full_name) == ("transferred", "Octocoders/Hello-World")


def test_null_is_what_is_not_there() -> None:
    """GitHub adds and nulls fields at will: what an event doesn't need can't hide it."""
    payload = example("push", ref="refs/heads/master")
    nulls = dict.fromkeys(("pusher", "head_commit", "commits", "action", "forced", "created", "check_run"))
    event = read("push", {**payload, **nulls, "repository": {**payload["repository"], "html_url": None}})
    assert isinstance(event, Push)
    assert (event.after, event.pusher, event.message) == (FIRST, "", "")


@pytest.mark.parametrize("lost", ["repository", "ref"])
def test_a_delivery_that_lacks_what_its_event_needs_is_no_event(lost: str) -> None:
    payload = example("push", ref="refs/heads/master")
    del payload[lost]
    assert read("push", payload) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'"push"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(payloads.Malformed):
        payloads.parse("push", GUID, body, NOON)


@pytest.mark.parametrize("oddity", ['"\\ud83d"', "9" * 5000, "NaN", "1e999"])
def test_what_nobody_asks_for_may_be_odd(oddity: str) -> None:
    """Half of an emoji that was cut off, and numbers beyond all bounds."""
    plain = json.dumps(example("push", ref="refs/heads/master"))
    odd = f'{plain[:-1]}, "odd": {oddity}}}'
    assert payloads.parse("push", GUID, odd.encode(), NOON) == payloads.parse("push", GUID, plain.encode(), NOON)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def altered(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """`value` with `new` at `path`."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = altered(value[path[0]], path[1:], new)
    return copy


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_rubbish_in_a_delivery_is_an_event_or_none(data: st.DataObject) -> None:
    delivery = data.draw(st.sampled_from([d for d in MADE if d.name in payloads.HANDLED]))
    payload: Any = delivery.payload
    for _ in range(data.draw(st.integers(1, 3))):
        shallow = [path for path in places(payload) if 0 < len(path) <= 3]
        payload = altered(payload, data.draw(st.sampled_from(shallow)), data.draw(JSON))
    event = read(delivery.name, payload)
    if event is not None:
        event.model_dump_json().encode()


@given(st.sampled_from(sorted(payloads.HANDLED)), st.binary(max_size=200) | JSON.map(lambda v: json.dumps(v).encode()))
@settings(max_examples=150, deadline=None)
def test_rubbish_instead_of_a_delivery_is_malformed_or_nothing(name: str, body: bytes) -> None:
    try:
        assert payloads.parse(name, GUID, body, NOON) is None
    except payloads.Malformed:
        return
