"""What people say to WhaleRay on a pull request, and what comes back."""

from __future__ import annotations

import pytest

from tests.stories.town import AUTHOR, Place, Town

STRANGER = "mallory"
WRITER = "carol"


@pytest.fixture(scope="module")
def live(town: Town) -> Place:
    """One service for the stories that only ask."""
    for login in (STRANGER, WRITER):
        town.sandbox.create_user(login)
    place = town.repository()
    town.sandbox.grant(place.full_name, STRANGER, "read")
    place.runs(place.push("1"))
    return place


def test_help_is_one_answer_and_lists_every_verb(live: Place) -> None:
    pull, _ = live.pull_request("2", branch="helped")
    comment = live.say(pull, "/whaleray help")
    answer = live.answer(pull)
    for verb in ("deploy", "status", "logs", "diagnose", "rollback", "cancel", "restart", "stop", "lock", "env"):
        assert f"/whaleray {verb}" in answer
    live.reacted(comment, "rocket")


def test_an_unknown_verb_gets_the_nearest(live: Place) -> None:
    pull, _ = live.pull_request("2", branch="unknown")
    comment = live.say(pull, "/whaleray depoly")
    assert "deploy" in live.answer(pull)
    live.reacted(comment, "confused")


def test_several_commands_are_answered_in_one_comment_in_order(live: Place) -> None:
    pull, _ = live.pull_request("2", branch="several")
    live.say(pull, "/whaleray lock trying\nand then\n/whaleray unlock\n/whaleray status")
    answer = live.answer(pull)
    assert answer.index("ocked") < answer.index(live.url)
    assert len(live.comments(pull)) == 1


def test_a_stranger_is_refused_once_and_politely(live: Place) -> None:
    pull, head = live.pull_request("2", branch="refused")
    live.say(pull, "/whaleray deploy", by=STRANGER)
    assert "write access" in live.answer(pull)
    live.say(pull, "/whaleray deploy", by=STRANGER)
    live.say(pull, "/whaleray help", by=AUTHOR)
    live.answer(pull, 2)
    assert len(live.comments(pull)) == 2
    assert live.checks(head) == []


def test_a_lock_keeps_everyone_else_out_and_a_maintainer_frees_it(town: Town, live: Place) -> None:
    town.sandbox.grant(live.full_name, WRITER, "write")
    pull, head = live.pull_request("locked", branch="locked")
    live.say(pull, "/whaleray lock load test", by=AUTHOR)
    assert "load test" in live.answer(pull)
    live.say(pull, "/whaleray deploy", by=WRITER)
    assert "ocked by" in live.answer(pull, 2)
    live.say(pull, "/whaleray unlock", by=WRITER)
    assert "octocat" in live.answer(pull, 3)
    pushed = live.push("pushed", by=WRITER)
    assert "ocked" in live.neutral(pushed)["output"]["title"]
    live.say(pull, "/whaleray unlock", by=AUTHOR)
    live.answer(pull, 4)
    live.say(pull, "/whaleray deploy", by=WRITER)
    live.runs(head)


def test_rollback_brings_the_version_before_back_without_a_build(town: Town) -> None:
    place = town.repository()
    first = place.push("1")
    place.runs(first)
    place.runs(place.push("2"))
    pull, _ = place.pull_request("3")
    place.say(pull, "/whaleray rollback")
    check = place.runs(first, 2)
    place.serves("1")
    stages = {entry.title.split(" ")[0] for entry in town.sandbox.check_run_history(check["id"])}
    assert "BUILDING" not in stages


def test_cancel_ends_a_build_for_real(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    pull, head = place.pull_request("2")
    slow = place.push("3", "echo building; sleep 600", branch="feature")
    assert slow != head
    place.say(pull, "/whaleray deploy")
    town.until(lambda: [c for c in place.checks(slow) if c["output"]["title"].startswith("BUILDING")], "the build")
    place.say(pull, "/whaleray cancel")
    check = place.ended(slow)
    assert check["conclusion"] == "cancelled"
    place.serves("1")


def test_a_newer_push_cancels_the_build_of_an_older_one(town: Town) -> None:
    place = town.repository()
    old = place.push("1", "sleep 600")
    town.until(lambda: [c for c in place.checks(old) if c["output"]["title"].startswith("BUILDING")], "the build")
    new = place.push("2")
    place.runs(new)
    check = place.ended(old)
    assert check["conclusion"] == "cancelled"
    assert new[:7] in check["output"]["summary"]


def test_stop_start_and_restart(town: Town) -> None:
    place = town.repository()
    first = place.push("1")
    place.runs(first)
    url = place.url
    pull, head = place.pull_request("2")
    place.say(pull, "/whaleray restart")
    place.answer(pull)
    place.runs(first, 2)
    place.serves("1")
    place.say(pull, "/whaleray stop")
    place.answer(pull, 2)
    town.until(lambda: town.http.get(url).status_code == 503, "the service to be stopped")
    stopped = place.push("stopped")
    assert "stopped" in place.neutral(stopped)["output"]["title"].lower()
    place.say(pull, "/whaleray start")
    place.answer(pull, 3)
    place.runs(first, 3)
    place.serves("1")
    place.say(pull, "/whaleray stop\n/whaleray deploy")
    place.runs(head)
    place.serves("2")


def test_a_failed_build_is_diagnosed_again_and_its_log_is_shown(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    pull, head = place.pull_request("2")
    broken = place.push("3", "echo 'some words about it'\nexit 1", branch="feature")
    assert broken != head
    place.say(pull, "/whaleray deploy")
    place.fails(broken)
    place.say(pull, "/whaleray logs 5")
    assert "some words about it" in place.answer(pull)
    place.say(pull, "/whaleray diagnose")
    assert "some words about it" in place.answer(pull, 2)


def test_an_application_s_log_is_posted_on_private_repositories_only(town: Town) -> None:
    for private in (True, False):
        place = town.repository(private=private)
        place.runs(place.push("1"))
        pull, _ = place.pull_request("2")
        place.say(pull, "/whaleray logs")
        assert ("listening" in place.answer(pull)) == private


def test_deploy_main_deploys_the_default_branch_and_answers_on_the_pull_request(town: Town) -> None:
    place = town.repository()
    main = place.push("1")
    place.runs(main)
    pull, head = place.pull_request("2")
    place.say(pull, "/whaleray deploy")
    place.runs(head)
    place.say(pull, "/whaleray deploy main")
    place.runs(main, 2)
    place.serves("1")
    town.until(lambda: main[:7] in place.sticky(pull), "the sticky comment about main")


def test_a_fork_s_head_is_deployed_by_a_maintainer_s_words_and_pinned_to_what_was_seen(town: Town) -> None:
    forker = "frank"
    town.sandbox.create_user(forker)
    place = town.repository(private=False)
    place.runs(place.push("1"))
    fork = town.sandbox.fork(place.full_name, by=forker)
    changed = place.files("2")
    head = town.sandbox.push(fork, changed, branch="theirs", message="Theirs", by=forker, executable={"mvnw"})
    pull = town.sandbox.open_pull_request(
        place.full_name, head="theirs", title="Theirs", by=forker, head_repository=fork
    )
    place.say(pull, "/whaleray deploy", by=forker)
    assert "write access" in place.answer(pull)
    town.sandbox.advance(2)  # GitHub's times are whole seconds: within one nobody can tell what came first
    place.say(pull, "/whaleray deploy")
    town.sandbox.advance(-2)  # the other stories of this town go by the real time
    place.runs(head)
    place.serves("2")


def test_a_fork_s_head_that_moved_in_the_same_second_is_refused(town: Town) -> None:
    forker = "fred"
    town.sandbox.create_user(forker)
    place = town.repository(private=False)
    place.runs(place.push("1"))
    fork = town.sandbox.fork(place.full_name, by=forker)
    town.sandbox.push(fork, place.files("2"), branch="theirs", message="Theirs", by=forker, executable={"mvnw"})
    pull = town.sandbox.open_pull_request(
        place.full_name, head="theirs", title="Theirs", by=forker, head_repository=fork
    )
    with town.sandbox.webhooks_down():
        place.say(pull, "/whaleray deploy")
        town.sandbox.settle()
    moved = town.sandbox.push(fork, {"README.md": b"new"}, branch="theirs", message="More", by=forker)
    town.sandbox.settle()
    (missed,) = (
        d
        for d in town.sandbox.deliveries("issue_comment")
        if d.payload["repository"]["full_name"] == place.full_name and d.payload["sender"]["login"] == AUTHOR
    )
    town.sandbox.redeliver(missed.guid)
    assert moved[:7] in place.answer(pull)
    assert place.checks(moved) == []


def test_a_bot_and_an_edited_comment_trigger_nothing(town: Town, live: Place) -> None:
    pull, head = live.pull_request("2", branch="edited")
    comment = live.say(pull, "Looks good.")
    town.sandbox.edit_comment(live.full_name, comment, "/whaleray deploy", by=AUTHOR)
    live.say(pull, "/whaleray status")
    live.answer(pull)
    assert live.checks(head) == []


def test_env_answers_with_a_link_that_names_no_value(live: Place) -> None:
    pull, _ = live.pull_request("2", branch="secrets")
    live.say(pull, "/whaleray env")
    assert f"{live.town.machine.bot_url}/services/" in live.answer(pull)
