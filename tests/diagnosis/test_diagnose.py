"""From log to diagnosis: what the analyst says is held against the log."""

from collections.abc import Sequence

import pytest

from bot.diagnosis import diagnose, make_extract
from bot.errors import Outage
from bot.model import Diagnosis, Evidence, Finding
from bot.ports import Extract
from tests.diagnosis.test_extract import noise
from tests.diagnosis.test_units import JAVAC

LOG = "\n".join([*noise(600), "\x1b[31m" + JAVAC, "token=abc123", *noise(300)])
ERROR = 601
FILES = ["src/main/java/com/acme/Shop.java", "pom.xml", "a/Twin.java", "b/Twin.java"]


class Says:
    """An analyst that gives one answer and keeps what it was asked."""

    def __init__(self, *issues: Finding, error: Exception | None = None, status: str = "diagnosed") -> None:
        self.answer = Diagnosis.model_validate(
            {"status": status, "summary": "It broke.", "issues": issues, "confidence": "high", "by": "rule x"}
        )
        self.error = error
        self.asked: Extract | None = None

    budget_tokens = 3000

    async def diagnose(self, extract: Extract, files: Sequence[str]) -> Diagnosis:
        self.asked = extract
        if self.error:
            raise self.error
        return self.answer


def issue(at: int = ERROR, quote: str = "cannot find symbol", **more: object) -> Finding:
    return Finding.model_validate({"title": "No symbol", "evidence": [Evidence(line=at, quote=quote)], **more})


async def test_a_quote_that_stands_in_the_log_is_kept() -> None:
    diagnosis = await diagnose(LOG, Says(issue()), FILES)
    assert diagnosis.status == "diagnosed"
    assert diagnosis.confidence == "high"
    assert diagnosis.issues[0].verified
    assert diagnosis.issues[0].evidence == (Evidence(line=ERROR, quote="cannot find symbol"),)


async def test_a_quote_on_another_line_than_named_gets_its_own_line() -> None:
    diagnosis = await diagnose(LOG, Says(issue(at=ERROR + 3)), FILES)
    assert diagnosis.issues[0].evidence[0].line == ERROR
    assert diagnosis.issues[0].verified


@pytest.mark.parametrize("quote", ["no such thing was said", "", "   "])
async def test_a_quote_that_nobody_said_is_dropped_and_marked(quote: str) -> None:
    diagnosis = await diagnose(LOG, Says(issue(quote=quote)), FILES)
    assert diagnosis.issues[0].evidence == ()
    assert not diagnosis.issues[0].verified
    assert diagnosis.confidence == "low"


async def test_one_false_quote_of_two_leaves_the_true_one() -> None:
    both = (Evidence(line=ERROR, quote="cannot find symbol"), Evidence(line=ERROR, quote="invented"))
    diagnosis = await diagnose(LOG, Says(issue().model_copy(update={"evidence": both})), FILES)
    assert diagnosis.issues[0].evidence == both[:1]
    assert not diagnosis.issues[0].verified


async def test_a_diagnosis_without_issues_is_unrecognised_and_shows_the_closest_lines() -> None:
    diagnosis = await diagnose(LOG, Says(), FILES)
    assert diagnosis.status == "unrecognised"
    assert ERROR in [line.line for line in diagnosis.extract]
    assert diagnosis.log_lines == LOG.count("\n") + 1


async def test_an_analyst_that_fails_leaves_the_reader_the_lines_and_the_reason() -> None:
    diagnosis = await diagnose(LOG, Says(error=Outage("Bedrock didn't answer.")), FILES)
    assert diagnosis.status == "unrecognised"
    assert "Bedrock didn't answer." in diagnosis.note
    assert ERROR in [line.line for line in diagnosis.extract]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("src/main/java/com/acme/Shop.java", "src/main/java/com/acme/Shop.java"),
        ("/home/runner/work/src/main/java/com/acme/Shop.java", "src/main/java/com/acme/Shop.java"),
        ("Shop.java", "src/main/java/com/acme/Shop.java"),
        ("./pom.xml", "pom.xml"),
        ("Twin.java", None),
        ("../../etc/passwd", None),
        ("https://evil.example/pom.xml", "pom.xml"),
        ("None.java", None),
    ],
)
async def test_a_file_is_one_of_the_repository_or_none(named: str, found: str | None) -> None:
    diagnosis = await diagnose(LOG, Says(issue(file=named, line=24)), FILES)
    assert diagnosis.issues[0].file == found
    assert diagnosis.issues[0].line == (24 if found else None)


async def test_the_analyst_sees_numbered_lines_without_secrets_or_colours() -> None:
    analyst = Says(issue())
    await diagnose(LOG.replace("price", "sesame-street"), analyst, FILES, ["sesame-street"])
    assert analyst.asked
    text = "\n".join(line for _, line in analyst.asked.lines)
    assert dict(analyst.asked.lines)[ERROR].startswith("src/main/java/com/acme/Shop.java:24: error")
    assert "sesame-street" not in text
    assert "abc123" not in text
    assert "\x1b" not in text
    assert not analyst.asked.whole
    assert analyst.asked.total == LOG.count("\n") + 1


def test_a_short_log_goes_whole() -> None:
    extract = make_extract("a\n\nb")
    assert extract == Extract(lines=((1, "a"), (2, ""), (3, "b")), total=3, whole=True)


def test_a_log_of_few_but_long_lines_is_cut_to_the_tokens() -> None:
    extract = make_extract("\n".join("x" * 400 for _ in range(100)), budget_lines=200, budget_tokens=1000)
    assert not extract.whole
    assert 0 < sum(len(line) for _, line in extract.lines) <= 3000
