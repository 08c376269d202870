"""Buttons: the offer on a commit that is not deployed, Redeploy, Rollback, Diagnose, Re-run; and what a pull request's
end says."""

from __future__ import annotations

from tests.stories.town import AUTHOR, Town


def press(place_town: Town, full_name: str, check_run_id: int, identifier: str) -> None:
    place_town.sandbox.press(full_name, check_run_id, identifier, by=AUTHOR)


def test_installing_offers_the_default_branch_s_head_and_one_click_deploys_it(town: Town) -> None:
    owner = town.organisation()
    place = town.repository(install=False, owner=owner)
    head = place.push("1")
    town.sandbox.install(owner, [place.full_name], by=AUTHOR)
    offer = place.neutral(head)
    assert offer["conclusion"] == "neutral"
    assert [action["identifier"] for action in offer["actions"]] == ["deploy"]
    press(town, place.full_name, offer["id"], "deploy")
    place.runs(head)
    place.serves("1")


def test_a_pull_request_has_a_deploy_button(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    pull, head = place.pull_request("2")
    offer = place.neutral(head)
    press(town, place.full_name, offer["id"], "deploy")
    place.runs(head)
    place.serves("2")
    town.until(lambda: place.url in place.sticky(pull), "the sticky comment")


def test_the_offer_of_a_pull_request_that_was_closed_is_still_no_production(town: Town) -> None:
    """GitHub no longer names the pull request then. What builds as production writes the caches that production's
    later builds read, and a closed branch is not merged."""
    place = town.repository()
    place.runs(place.push("1"))
    pull, head = place.pull_request("2")
    offer = place.neutral(head)
    town.sandbox.close_pull_request(place.full_name, pull, by=AUTHOR)
    press(town, place.full_name, offer["id"], "deploy")
    place.runs(head)
    environments = {d["sha"]: d["environment"] for d in town.sandbox.deployments(place.full_name)}
    assert environments[head] == f"pull/{pull}"


def test_the_buttons_of_a_check_that_ended(town: Town) -> None:
    place = town.repository()
    first = place.push("1")
    check = place.runs(first)
    assert [a["identifier"] for a in check["actions"]] == ["redeploy"]
    second = place.push("2")
    check = place.runs(second)
    assert [a["identifier"] for a in check["actions"]] == ["redeploy", "rollback"]
    press(town, place.full_name, check["id"], "rollback")
    place.runs(first, 2)
    place.serves("1")
    press(town, place.full_name, check["id"], "redeploy")
    place.runs(second, 2)
    place.serves("2")


def test_a_failed_check_offers_to_diagnose(town: Town) -> None:
    place = town.repository()
    check = place.fails(place.push("1", "echo broken\nexit 1"))
    assert [a["identifier"] for a in check["actions"]] == ["redeploy", "diagnose"]
    press(town, place.full_name, check["id"], "diagnose")
    town.sandbox.settle()


def test_re_run_of_a_check_and_of_a_suite_deploys_once_more(town: Town) -> None:
    place = town.repository()
    sha = place.push("1")
    check = place.runs(sha)
    town.sandbox.rerun_check(place.full_name, check["id"], by=AUTHOR)
    place.runs(sha, 2)
    town.sandbox.rerun_suite(place.full_name, sha, by=AUTHOR)
    place.runs(sha, 3)
    assert len(place.checks(sha)) == 3


def test_a_closed_pull_request_says_what_is_live(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    pull, head = place.pull_request("2")
    place.say(pull, "/whaleray deploy")
    place.runs(head)
    town.until(lambda: place.url in place.sticky(pull), "the sticky comment")
    town.sandbox.close_pull_request(place.full_name, pull, by=AUTHOR)
    town.until(lambda: "Closing a pull request" in place.sticky(pull), "the sticky comment to say what is live")
    assert head[:7] in place.sticky(pull)


def test_a_merge_that_breaks_main_is_answered_on_the_pull_request(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    place.push("2", "echo broken\nexit 1", branch="broken")
    pull = town.sandbox.open_pull_request(place.full_name, head="broken", title="Broken", by=AUTHOR)
    merged = town.sandbox.merge_pull_request(place.full_name, pull, by=AUTHOR)
    place.fails(merged)
    assert merged[:7] in place.answer(pull)
    assert len(place.comments(pull)) == 1
    place.serves("1")


def test_auto_false_offers_and_does_not_deploy(town: Town) -> None:
    place = town.repository()
    sha = place.push("1", files={".whaleray.yml": b"auto: false\n"})
    check = place.neutral(sha)
    assert place.checks(sha) == []
    press(town, place.full_name, check["id"], "deploy")
    place.runs(sha)
    quiet = place.push("2")
    place.neutral(quiet)
    assert place.checks(quiet) == []


def test_another_branch_deploys_where_the_configuration_says_so(town: Town) -> None:
    place = town.repository()
    place.push("0", files={".whaleray.yml": b"branch: release\n"})
    release = place.push("1", branch="release")
    place.runs(release)
    place.serves("1")


def test_wait_for_checks_waits(town: Town) -> None:
    place = town.repository()
    sha = place.push("1", files={".whaleray.yml": b"wait_for_checks: true\n"})
    place.other_check(sha, "success")
    place.runs(sha)
    failed = place.push("2")
    place.other_check(failed, "failure")
    check = place.fails(failed)
    assert "nother check" in check["output"]["summary"]


def test_a_wrong_configuration_is_annotated_on_its_line(town: Town) -> None:
    place = town.repository()
    sha = place.push("1", files={".whaleray.yml": b"jdk: 17\nprot: 9090\n"})
    check = place.fails(sha)
    assert [(a["path"], a["start_line"]) for a in check["annotations"]] == [(".whaleray.yml", 2)]
