"""The pages: they show what there is, let nothing through, and are changed by their own forms only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest

from infra.sandbox.pages import markdown
from tests.sandbox.conftest import FULL_NAME, Town

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>bold</b> </textarea></title></details>"
SHAPES = ["/", "/octo-org", "/octocat", f"/{FULL_NAME}", f"/{FULL_NAME}/pulls", f"/{FULL_NAME}/deployments"]


@pytest.fixture
def browser(town: Town) -> Iterator[httpx.Client]:
    origin = {"Origin": town.sandbox.url}
    with httpx.Client(base_url=town.sandbox.url, trust_env=False, headers=origin) as client:
        yield client


@pytest.fixture
def evil(town: Town) -> dict[str, int]:
    """Every text that somebody can choose tries to break out."""
    sandbox = town.sandbox
    head = sandbox.push(FULL_NAME, {"a.txt": EVIL}, branch="feature/<b>'\"", message=EVIL, by="octocat")
    number = sandbox.open_pull_request(FULL_NAME, head="feature/<b>'\"", title=EVIL, by="octocat", body=EVIL)
    comment = sandbox.comment(FULL_NAME, number, EVIL + "\n\n```\n</code></pre>" + EVIL, by="octocat")
    annotation = {"path": "a.txt", "start_line": 1, "end_line": 1, "annotation_level": "failure"}
    body = {
        "name": EVIL,
        "head_sha": head,
        "status": "completed",
        "conclusion": "failure",
        "details_url": 'https://example.com/"><script>alert(1)</script>',
        "output": {
            "title": EVIL,
            "summary": EVIL,
            "text": EVIL,
            "annotations": [annotation | {"message": EVIL, "title": EVIL}],
        },
        "actions": [{"label": '"><script>x', "description": '"><img src=x>', "identifier": '"><script>x'}],
    }
    check = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=body).json()["id"]
    deployment = town.call(
        "POST",
        f"/repos/{FULL_NAME}/deployments",
        json={"ref": head, "required_contexts": [], "environment": EVIL, "description": EVIL[:140]},
    ).json()["id"]
    state = {"state": "success", "environment_url": 'https://example.com/"><script>', "description": EVIL[:140]}
    town.call("POST", f"/repos/{FULL_NAME}/deployments/{deployment}/statuses", json=state).raise_for_status()
    return {"check": check, "comment": comment, "pull": number}


class Seen(HTMLParser):
    """Elements and attributes as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.handlers: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]


def test_every_page_shows_and_escapes(town: Town, browser: httpx.Client, evil: dict[str, int]) -> None:
    number, check = evil["pull"], evil["check"]
    sha = town.sandbox.pull_request(FULL_NAME, number).head_sha
    paths = [
        *SHAPES,
        f"/{FULL_NAME}/pull/{number}",
        f"/{FULL_NAME}/pull/{number}/checks",
        f"/{FULL_NAME}/runs/{check}",
        f"/{FULL_NAME}/commit/{sha}",
        f"/{FULL_NAME}/blob/{sha}/a.txt",
        f"/{FULL_NAME}/tree/feature/%3Cb%3E'%22",
        "/apps/whaleray",
    ]
    for path in paths:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "sandbox, not GitHub" in answer.text
        seen = Seen()
        seen.feed(answer.text)
        assert seen.elements.count("script") == 1, path
        assert not seen.handlers, path
        assert not [each for each in seen.targets if each.startswith(("javascript:", "data:text"))], path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not town.sandbox.violations


def test_nothing_is_loaded_from_elsewhere(browser: httpx.Client) -> None:
    page = browser.get("/").text
    loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', page)
    assert loaded
    assert all(each.startswith(("/_", "data:")) for each in loaded)
    for name in ("sandbox.css", "sandbox.js"):
        assert "://" not in browser.get(f"/_assets/{name}").text
    assert browser.get("/_assets/..%2Fhome.html.j2").status_code == 404


def test_a_check_is_shown_with_buttons_that_work(town: Town, browser: httpx.Client) -> None:
    button = {"label": "Redeploy", "description": "Again", "identifier": "redeploy"}
    summary = "| a | b |\n| - | - |\n| 1 | ~~2~~ |\n\n<details><summary>s</summary>x</details>"
    output = {"title": "RUNNING", "summary": summary}
    body = {"name": "WhaleRay", "head_sha": town.sha, "status": "completed", "conclusion": "success", "output": output}
    number = town.call("POST", f"/repos/{FULL_NAME}/check-runs", json=body | {"actions": [button]}).json()["id"]
    page = browser.get(f"/{FULL_NAME}/runs/{number}").text
    assert "<table>" in page
    assert "<s>2</s>" in page
    assert "<details><summary>s</summary>" in page
    assert "Redeploy" in page
    answer = browser.post(f"/{FULL_NAME}/runs/{number}/press", data={"identifier": "redeploy"})
    assert answer.status_code == 303
    assert town.sandbox.deliveries("check_run")[-1].action == "requested_action"
    assert browser.post(f"/{FULL_NAME}/runs/{number}/press", data={"identifier": "other"}).status_code == 404
    assert browser.post(f"/{FULL_NAME}/runs/{number}/rerun").status_code == 303
    assert town.sandbox.deliveries("check_run")[-1].action == "rerequested"
    assert browser.post(f"/{FULL_NAME}/commit/{town.sha}/rerun").status_code == 303
    assert town.sandbox.deliveries("check_suite")[-1].action == "rerequested"


def test_a_comment_is_written_as_whoever_is_chosen(town: Town, browser: httpx.Client) -> None:
    sandbox = town.sandbox
    sandbox.grant(FULL_NAME, "mona", "read")
    sandbox.push(FULL_NAME, {"a": b"a"}, branch="f", by="octocat")
    number = sandbox.open_pull_request(FULL_NAME, head="f", title="F", by="octocat")
    path = f"/{FULL_NAME}/pull/{number}/comment"
    answer = browser.post(path, data={"body": "/whaleray deploy\r\nplease", "by": "mona"})
    assert answer.status_code == 303
    (said,) = sandbox.comments(FULL_NAME, number)
    assert (said["user"]["login"], said["body"]) == ("mona", "/whaleray deploy\nplease")
    assert answer.headers["location"].endswith(f"#issuecomment-{said['id']}")
    assert browser.post("/_user", data={"login": "mona"}).status_code == 303
    browser.post(path, data={"body": "again"})
    assert sandbox.comments(FULL_NAME, number)[-1]["user"]["login"] == "mona"
    assert browser.post(path, data={"body": " "}).status_code == 404
    assert browser.post(f"/{FULL_NAME}/pull/{number}/merge").status_code == 403, "mona may not"
    assert browser.post(f"/{FULL_NAME}/pull/{number}/merge", data={"by": "octocat"}).status_code == 303
    assert "Merged" in browser.get(f"/{FULL_NAME}/pull/{number}").text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
        {"Origin": "http://evil.example", "Host": "evil.example"},
    ],
)
def test_another_sites_form_changes_nothing(town: Town, headers: dict[str, str]) -> None:
    town.sandbox.push(FULL_NAME, {"a": b"a"}, branch="f", by="octocat")
    number = town.sandbox.open_pull_request(FULL_NAME, head="f", title="F", by="octocat")
    path = f"{town.sandbox.url}/{FULL_NAME}/pull/{number}/comment"
    answer = httpx.post(path, data={"body": "/whaleray deploy"}, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert not town.sandbox.comments(FULL_NAME, number)


def test_a_rebound_name_sees_nothing(town: Town) -> None:
    answer = httpx.get(f"{town.sandbox.url}/{FULL_NAME}", headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 421
    assert "README" not in answer.text


def test_choosing_a_person_never_leads_elsewhere(browser: httpx.Client) -> None:
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert browser.post("/_user", data={"login": "mona", "back": back}).headers["location"] == "/"
    assert browser.post("/_user", data={"login": "nobody"}).status_code == 404


def test_what_is_not_there_is_404(browser: httpx.Client) -> None:
    for path in ("/nobody", "/octo-org/nothing", f"/{FULL_NAME}/pull/9", f"/{FULL_NAME}/runs/9", "/apps/none"):
        assert browser.get(path).status_code == 404, path


def test_pages_of_an_empty_repository_say_how_to_push(town: Town, browser: httpx.Client) -> None:
    town.sandbox.create_repository("octo-org", "empty")
    assert "git push" in browser.get("/octo-org/empty").text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<!-- marker -->\nHi", "<p>Hi</p>"),
        ("[x](javascript:alert(1))", "javascript:alert(1)"),
        ("<a href='javascript:x' onclick=x>y</a>", '<a rel="nofollow noopener noreferrer">y</a>'),
        ("<iframe src=x></iframe><style>x</style>ok", "ok"),
        ("<kbd>K</kbd>", "<kbd>K</kbd>"),
        ("https://example.com", '<a href="https://example.com" rel='),
        ("```java\nx\n```", '<code class="language-java">'),
        ("<p class='x' id='main'>y</p>", "<p>y</p>"),
    ],
)
def test_markdown_is_githubs_and_harmless(text: str, html: str) -> None:
    rendered = str(markdown.render(text))
    assert html in rendered
    assert 'href="javascript' not in rendered
    assert "onclick" not in rendered
    assert "<style" not in rendered


def test_a_mention_is_one_only_where_github_would_notify() -> None:
    text = (
        "@octocat, `@code`, me@mail.example, [@link](https://example.com)\n\n```\n@fence\n```\n<b>@mona</b> @\u200bzero"
    )
    assert markdown.mentions(text) == ["octocat", "mona"]
    rendered = str(markdown.render(text, known=lambda login: login == "octocat"))
    assert '<a href="/octocat" class="mention"' in rendered
    assert ">@mona</a>" not in rendered
