"""The check: when it is worth a write, what it may say, and that it fits."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import render
from bot.language import Language
from bot.model import Diagnosis, Evidence, Failure, Finding, Lock, LogKind, Stage
from bot.ports import CheckRun
from bot.render import escape, limits
from bot.render.check import action
from tests.render.cases import ALL_TEXTS, CHECKS
from tests.render.github import linked, tokens
from tests.render.hostile import PATIENT, hostile
from tests.render.language import speaking
from tests.render.scenes import (
    APP_FAILED,
    APP_LOG_URL,
    DELIVERY,
    DIAGNOSED,
    FAILED,
    LIVE,
    LOG,
    LOG_URL,
    NOON,
    PLAN,
    PUBLIC,
    REPOSITORY,
    RUNNING,
    UNRECOGNISED,
    URL,
    deployment,
    scene,
)

BUILDING = deployment(Stage.BUILDING)


def written(**changes: Any) -> str:
    shown = scene(changes.pop("shown", BUILDING), **({"log": LOG} | changes))
    return render.fingerprint(render.check_run(shown))


@PATIENT
@given(st.floats(min_value=1, max_value=100_000))
def test_time_alone_is_not_worth_a_write(seconds: float) -> None:
    later = {"now": NOON + seconds, "log_at": NOON + seconds}
    assert written(**later) == written()
    assert written(shown=deployment(Stage.DEPLOYING), **later) == written(shown=deployment(Stage.DEPLOYING))


@pytest.mark.parametrize("shown", [BUILDING, FAILED, RUNNING], ids=lambda shown: shown.stage.value)
def test_a_newly_signed_link_is_not_worth_a_write(shown: Any) -> None:
    other = LOG_URL.replace("1794307200&signature=0a1b2c", "1794393600&signature=ffee00")
    assert other != LOG_URL
    assert written(shown=shown, log_url=other) == written(shown=shown)
    sticky = render.fingerprint_text(render.sticky(scene(shown)))
    assert render.fingerprint_text(render.sticky(scene(shown, log_url=other))) == sticky


def test_news_is_worth_a_write() -> None:
    seen = {
        written(),
        written(log=LOG + "\n[INFO] BUILD SUCCESS"),
        written(log=LOG.replace("line 60", "line sixty")),
        written(live=None),
        written(shown=deployment(Stage.DEPLOYING)),
        written(shown=FAILED),
        written(shown=FAILED.model_copy(update={"diagnosis": UNRECOGNISED})),
        written(shown=BUILDING.model_copy(update={"message": "at 0:42 | 0:43 |"})),
    }
    assert len(seen) == 8


def test_the_last_line_of_the_log_counts_even_if_it_looks_like_ours() -> None:
    row = "| Building | ● x | 0:4{} |\nupdated 12:00:4{} UTC"
    assert written(log=row.format(1, 1)) != written(log=row.format(2, 2))


@pytest.mark.parametrize("name", ["deploy", "redeploy", "rollback", "diagnose"])
def test_a_button_keeps_githubs_limits(name: str) -> None:
    button = action(name)
    assert 0 < len(button.label) <= 20
    assert 0 < len(button.description) <= 40
    assert button.identifier == name
    assert len(name) <= 20


@pytest.mark.parametrize("shown", [APP_FAILED, APP_FAILED.model_copy(update={"diagnosis": UNRECOGNISED})])
def test_an_applications_log_is_never_posted_in_public(shown: Any) -> None:
    quotes = [e.quote for f in shown.diagnosis.issues for e in f.evidence] + [e.quote for e in shown.diagnosis.extract]
    assert quotes
    public, private = (scene(shown, repository=repository) for repository in (PUBLIC, REPOSITORY))
    said = str(render.check_run(public)) + render.sticky(public) + render.diagnosis_reply(shown, PUBLIC, APP_LOG_URL)
    assert not [quote for quote in quotes if quote in said]
    assert [quote for quote in quotes if quote in render.check_run(private).summary]


def test_only_lines_of_the_repositorys_files_are_annotated() -> None:
    files = ["src/A.java", "/etc/passwd", "../B.java", "C:\\D.java", "a/../../E.java", "", None]
    issues = tuple(Finding(title=f"in {file}", file=file, line=3) for file in files)
    issues += (Finding(title="no line", file="src/A.java"),)
    diagnosis = DIAGNOSED.model_copy(update={"issues": issues})
    check = render.check_run(scene(FAILED.model_copy(update={"diagnosis": diagnosis})))
    assert [a.path for a in check.annotations] == ["src/A.java"]
    assert "passwd:3" not in check.summary


@pytest.mark.parametrize("character", ["x", "가", "`", "\x1b", "👩‍🚀", "|", "@"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_everything_fits_however_long_its_parts(character: str, language: Language) -> None:
    with speaking(language):
        assert_fits(character)


def assert_fits(character: str) -> None:
    for stage in (Stage.BUILDING, Stage.FAILED, Stage.CANCELLED):
        check = render.check_run(huge(character, stage))
        assert limits.utf8(check.summary) <= limits.CHECK_BYTES
        assert limits.utf8(check.text) <= limits.CHECK_BYTES
        assert len(check.title) <= limits.TITLE_CHARACTERS
        assert all(len(a.title) <= 255 and limits.utf8(a.message) <= 64_000 and a.message for a in check.annotations)
    shown = huge(character, Stage.FAILED)
    assert len(render.sticky(shown)) <= limits.COMMENT_CHARACTERS
    assert len(render.deployment_description(shown.deployment)) <= limits.DESCRIPTION_CHARACTERS
    logs = render.logs_reply(LogKind.BUILD, "\n".join([character * 300] * 1000), 1000, LOG_URL)
    assert len(render.answer(DELIVERY, [logs] * 10)) <= limits.COMMENT_CHARACTERS


def huge(character: str, stage: Stage) -> render.Scene:
    """A deployment whose every text is longer than a comment."""
    return untrusted(character * 70_000, stage, log="\n".join([character * 2_000] * 100))


def untrusted(value: str, stage: Stage, **changes: Any) -> render.Scene:
    """A deployment in which everything that somebody else wrote is `value`."""
    finding = Finding(
        title=value,
        cause=value,
        file=value,
        line=7,
        evidence=(Evidence(line=1, quote=value),),
        fix=value,
        verified=False,
    )
    shown = deployment(
        stage,
        message=value,
        ref=value,
        actor=value,
        superseded_by=value,
        plan=PLAN.model_copy(
            update={
                "spring_boot": value,
                "directory": value,
                "module": value,
                "notes": (value,) * 50,
                "dockerfile": value,
            }
        ),
        failure=Failure(stage=Stage.BUILDING, what=value, why=value, mend=value, log="build"),
        diagnosis=Diagnosis(
            status="diagnosed",
            summary=value,
            issues=(finding,) * 60,
            recommendations=(value,) * 9,
            by=value,
            note=value,
            extract=(Evidence(line=1, quote=value),) * 200,
        ),
    )
    return scene(shown, **({"log": value, "live": LIVE.model_copy(update={"ref": value})} | changes))


@settings(PATIENT, max_examples=60)
@given(hostile(), st.sampled_from(Stage), st.sampled_from(("en", "ko")))
def test_no_document_links_mentions_or_opens_what_somebody_else_wrote(
    value: str, stage: Stage, language: Language
) -> None:
    with speaking(language):
        for document in documents(value, stage):
            assert_inert(document, value)


def documents(value: str, stage: Stage) -> list[str]:
    """All that says something of others, who wrote `value`."""
    shown = untrusted(value, stage)
    check = render.check_run(shown)
    unrecognised = shown.deployment.diagnosis.model_copy(update={"status": "unrecognised"})  # type: ignore[union-attr]
    other = dataclasses.replace(shown, deployment=shown.deployment.model_copy(update={"diagnosis": unrecognised}))
    lock = Lock(owner=value, reason=value, since=NOON)
    hostile_repository = REPOSITORY.model_copy(update={"owner": value, "name": value, "default_branch": value})
    return [
        check.summary,
        check.text,
        render.check_run(other).summary,
        render.sticky(shown),
        render.closed_pull_request(shown),
        render.failed_default_branch(shown),
        render.neutral("locked", hostile_repository, "3f9c2ab", 5, lock, NOON).summary,
        render.offer(hostile_repository, "3f9c2ab").summary,
        render.config_error("3f9c2ab", [render.Problem(1, value, value)]).summary,
        render.answer(
            value,
            [
                render.refusal(hostile_repository),
                render.unknown_verb(value, None),
                render.bad_argument("deploy", value, "deploy [sha|branch]"),
                render.no_such_ref(value),
                render.moved_head(value, value, value),
                render.nothing_to_rollback(value),
                render.cancelled(shown.deployment),
                render.status(URL, shown.live, shown.deployment, shown.deployment, stopped=False, now=NOON),
                render.locked(lock, NOON),
                render.lock_refused(lock, NOON),
                render.logs_reply(LogKind.APP, value, 50, LOG_URL),
                render.diagnosis_reply(shown.deployment, REPOSITORY, APP_LOG_URL),
                render.env_reply(URL, [value], 600),
                render.our_fault(value),
            ],
        ),
    ]


FORBIDDEN = {"image", "html_inline", "heading_open", "hr", "blockquote_open", "code_block"}
OURS = (URL, APP_LOG_URL, LOG_URL.split("?", maxsplit=1)[0], "https://github.com/acme/shop/blob/3f9c2ab")


def assert_inert(document: str, value: str) -> None:
    document.encode("utf-8")
    found = list(tokens(document))
    for token in found:
        assert token.type not in FORBIDDEN, document
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(OURS), document
        if token.type == "html_block":
            assert all(_our_html(line) for line in token.content.splitlines()), document
    assert linked(document) == [], document
    folds = "".join(t.content for t in found if t.type == "html_block")
    assert folds.count("<details>") == folds.count("</details>")


def _our_html(line: str) -> bool:
    if line in ("", "</details>"):
        return True
    return (line.startswith("<details><summary>") and line.endswith("</summary>") and line.count("<") == 3) or (
        line.startswith("<!-- whaleray:") and line.endswith(" -->") and line.count("--") == 2
    )


def test_a_deliverys_name_cant_end_the_marker() -> None:
    assert render.reply_marker(DELIVERY) == f"<!-- whaleray:reply {DELIVERY} -->"
    for name in ("x --> @octocat", "a--b", "", "é", "x" * 65, "a\nb"):
        marker = render.reply_marker(name)
        assert marker.removeprefix("<!-- whaleray:reply ").removesuffix(" -->").isalnum()
        assert marker == render.reply_marker(name)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_has_what_github_asks_of_it(name: str) -> None:
    check: CheckRun = CHECKS[name]()
    assert check.title
    assert check.summary
    assert len(check.actions) <= 3
    assert (check.status == "completed") == (check.conclusion is not None)
    assert check.completed_at is None or check.status == "completed"


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_a_state_on_github(stage: Stage) -> None:
    assert render.github_state(stage) in {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


def test_people_are_never_notified() -> None:
    texts = [made() for name, made in ALL_TEXTS.items() if not name.startswith("description")]
    documents = [*(made().summary for made in CHECKS.values()), *texts]
    assert not [found for document in documents for found in linked(document)]
    assert escape.JOINER in CHECKS["building"]().summary
