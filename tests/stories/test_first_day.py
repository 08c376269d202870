"""The main job: install, push, a pull request's deploy, a commit that breaks."""

from __future__ import annotations

from infra.demo.load import Load
from tests.stories.town import Town


def test_a_push_to_the_default_branch_is_live_at_a_url_that_stays(town: Town) -> None:
    place = town.repository()
    first = place.push("1")
    check = place.runs(first)
    place.serves("1")
    url = place.url
    assert check["output"]["summary"].splitlines()[0].count(url) == 1
    stages = [entry.title.split(" ")[0] for entry in town.sandbox.check_run_history(check["id"])]
    assert [stage for n, stage in enumerate(stages) if stage not in stages[:n]] == [
        "INSPECTING",
        "BUILDING",
        "DEPLOYING",
        "RUNNING",
    ]
    second = place.push("2")
    place.runs(second)
    place.serves("2")
    assert place.url == url
    assert {d["environment"] for d in town.sandbox.deployments(place.full_name)} == {"production"}


def test_a_pull_request_is_deployed_by_a_comment_and_no_request_fails(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    pull, head = place.pull_request("2")
    with Load(place.url) as load:
        comment = place.say(pull, "/whaleray deploy")
        place.reacted(comment, "eyes")
        place.runs(head)
        place.serves("2")
        place.reacted(comment, "rocket")
    assert load.failed == 0, load.first_failure
    assert load.sent > 0
    town.until(lambda: place.url in place.sticky(pull), "the sticky comment with the URL")


def test_a_commit_that_does_not_compile_says_where_and_the_service_still_answers(town: Town) -> None:
    place = town.repository()
    place.runs(place.push("1"))
    script = (
        "echo '[ERROR] COMPILATION ERROR : '\n"
        'echo "[ERROR] $PWD/src/main/java/com/acme/PriceService.java:[24,16] cannot find symbol"\n'
        "echo '[ERROR]   symbol:   variable PriceFormatter'\n"
        "echo '[ERROR]   location: class com.acme.PriceService'\n"
        "echo '[INFO] BUILD FAILURE'\nexit 1"
    )
    source = {"src/main/java/com/acme/PriceService.java": b"class PriceService {}\n" * 30}
    check = place.fails(place.push("2", script, files=source))
    assert "src/main/java/com/acme/PriceService.java:24" in check["output"]["summary"]
    assert "PriceFormatter" in check["output"]["title"]
    assert [(a["path"], a["start_line"]) for a in check["annotations"]] == [
        ("src/main/java/com/acme/PriceService.java", 24)
    ]
    place.serves("1")


def test_a_redelivery_deploys_nothing_twice(town: Town) -> None:
    place = town.repository()
    sha = place.push("1")
    place.runs(sha)
    pushes = [d for d in town.sandbox.deliveries("push") if d.payload["repository"]["full_name"] == place.full_name]
    town.sandbox.redeliver(pushes[0].guid)
    town.sandbox.settle()
    pull, head = place.pull_request("2")  # handled after it: deliveries of a repository keep their order
    place.say(pull, "/whaleray deploy")
    place.runs(head)
    assert len(place.checks(sha)) == 1


def test_a_forged_delivery_is_refused_and_leads_to_nothing(town: Town) -> None:
    place = town.repository()
    sha = place.push("1")
    place.runs(sha)
    (sent,) = (d for d in town.sandbox.deliveries("push") if d.payload["after"] == sha)
    forged = {**sent.request_headers, "X-GitHub-Delivery": "forged", "X-Hub-Signature-256": "sha256=" + "0" * 64}
    answer = town.http.post(f"{town.machine.bot_url}/webhook", content=sent.body, headers=forged)
    assert answer.status_code == 401
    pull, _ = place.pull_request("2")
    place.say(pull, "/whaleray status")  # would be handled after it: deliveries of a repository keep their order
    place.answer(pull)
    assert len(place.checks(sha)) == 1
