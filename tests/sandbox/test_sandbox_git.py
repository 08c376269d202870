"""The real git against the sandbox: clone, fetch, push, and who may."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.sandbox import Sandbox
from tests.sandbox.conftest import FULL_NAME, Town


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def git(directory: Path, *arguments: str, succeeds: bool = True) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{role}_{what}": "octocat" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode == 0) is succeeds, done.stderr
    return done.stdout + done.stderr


def address(sandbox: Sandbox, user: str = "octocat", word: str = "any", name: str = FULL_NAME) -> str:
    return f"{sandbox.url.replace('://', f'://{user}:{word}@')}/{name}.git"


def clone(town: Town, work: Path) -> Path:
    git(work, "clone", "--quiet", address(town.sandbox), "here")
    return work / "here"


def test_a_clone_a_commit_and_a_push_are_told_as_a_push(town: Town, work: Path) -> None:
    here = clone(town, work)
    assert (here / "README.md").read_bytes() == b"# Hello\n"
    (here / "new.txt").write_text("new")
    git(here, "add", "new.txt")
    git(here, "commit", "--quiet", "-m", "Add new")
    git(here, "push", "--quiet", "origin", "main")
    sha = town.sandbox.head(FULL_NAME)
    assert git(here, "rev-parse", "HEAD").strip() == sha
    (told,) = town.sandbox.deliveries("push")
    body = told.payload
    assert (body["ref"], body["before"], body["after"]) == ("refs/heads/main", town.sha, sha)
    assert (body["pusher"]["name"], body["sender"]["login"]) == ("octocat", "octocat")
    assert [each["added"] for each in body["commits"]] == [["new.txt"]]


def test_a_pushed_branch_updates_its_pull_request_and_a_force_push_says_so(town: Town, work: Path) -> None:
    town.sandbox.push(FULL_NAME, {"a": b"a"}, branch="feature", by="octocat")
    number = town.sandbox.open_pull_request(FULL_NAME, head="feature", title="A", by="octocat")
    here = clone(town, work)
    git(here, "checkout", "--quiet", "-B", "feature", "origin/main")
    git(here, "commit", "--quiet", "--allow-empty", "-m", "Another one")
    git(here, "push", "--quiet", "--force", "origin", "feature")
    assert town.sandbox.deliveries("push")[-1].payload["forced"] is True
    told = town.sandbox.deliveries("pull_request")[-1].payload
    assert (told["action"], told["number"]) == ("synchronize", number)
    assert told["after"] == git(here, "rev-parse", "HEAD").strip()
    kinds = [each["activity_type"] for each in town.call("GET", f"/repos/{FULL_NAME}/activity").json()]
    assert kinds == ["force_push", "branch_creation"]


def test_a_pushed_merge_closes_the_pull_request_as_merged(town: Town, work: Path) -> None:
    town.sandbox.push(FULL_NAME, {"a": b"a"}, branch="feature", by="octocat")
    number = town.sandbox.open_pull_request(FULL_NAME, head="feature", title="A", by="octocat")
    here = clone(town, work)
    git(here, "merge", "--quiet", "--no-ff", "-m", "Merge", "origin/feature")
    git(here, "push", "--quiet", "origin", "main", "HEAD:refs/tags/v1")
    pull = town.call("GET", f"/repos/{FULL_NAME}/pulls/{number}").json()
    assert (pull["state"], pull["merged"]) == ("closed", True)
    assert [each.payload["ref"] for each in town.sandbox.deliveries("push")][-2:] == ["refs/heads/main", "refs/tags/v1"]


def test_a_deleted_branch_is_told_and_closes_its_pull_request(town: Town, work: Path) -> None:
    town.sandbox.push(FULL_NAME, {"a": b"a"}, branch="feature", by="octocat")
    town.sandbox.open_pull_request(FULL_NAME, head="feature", title="A", by="octocat")
    git(clone(town, work), "push", "--quiet", "origin", ":feature")
    body = town.sandbox.deliveries("push")[-1].payload
    assert (body["deleted"], body["after"], body["head_commit"]) == (True, "0" * 40, None)
    assert town.sandbox.deliveries("pull_request")[-1].action == "closed"


def test_a_large_push_arrives_whole(town: Town, work: Path) -> None:
    """git sends more than a megabyte in chunks."""
    here = clone(town, work)
    content = os.urandom(3 * 1024 * 1024)
    (here / "large.bin").write_bytes(content)
    git(here, "add", ".")
    git(here, "commit", "--quiet", "-m", "Large")
    git(here, "push", "--quiet", "origin", "main")
    again = work / "again"
    git(work, "clone", "--quiet", address(town.sandbox), "again")
    assert (again / "large.bin").read_bytes() == content


def test_who_may_read_and_write(town: Town, work: Path) -> None:
    sandbox = town.sandbox
    assert "not found" in git(work, "clone", address(sandbox, "mona"), "a", succeeds=False)
    git(work, "clone", address(sandbox, "nobody"), "a", succeeds=False)
    git(work, "clone", f"{sandbox.url}/{FULL_NAME}.git", "a", succeeds=False)
    sandbox.make_public(FULL_NAME)
    git(work, "clone", "--quiet", f"{sandbox.url}/{FULL_NAME}.git", "public")
    public = work / "public"
    git(public, "commit", "--quiet", "--allow-empty", "-m", "Mine")
    assert "denied to mona" in git(public, "push", address(sandbox, "mona"), "main", succeeds=False)
    sandbox.grant(FULL_NAME, "mona", "write")
    git(public, "push", "--quiet", address(sandbox, "mona"), "main")
    sandbox.archive_repository(FULL_NAME)
    git(public, "commit", "--quiet", "--allow-empty", "-m", "Late")
    assert "archived" in git(public, "push", address(sandbox, "mona"), "main", succeeds=False)


def test_an_installations_token_reads_what_it_covers_and_does_not_write(town: Town, work: Path) -> None:
    token = town.token()
    url = address(town.sandbox, "x-access-token", token)
    git(work, "clone", "--quiet", url, "here")
    here = work / "here"
    git(here, "commit", "--quiet", "--allow-empty", "-m", "Not mine")
    git(here, "push", url, "main", succeeds=False)
    checks_only = address(town.sandbox, "x-access-token", town.token(permissions={"checks": "write"}))
    git(work, "clone", checks_only, "there", succeeds=False)
    assert town.sandbox.head(FULL_NAME) == town.sha


def test_pull_requests_own_refs_can_be_fetched_and_not_pushed(town: Town, work: Path) -> None:
    sha = town.sandbox.push(FULL_NAME, {"a": b"a"}, branch="feature", by="octocat")
    town.sandbox.open_pull_request(FULL_NAME, head="feature", title="A", by="octocat")
    here = clone(town, work)
    git(here, "fetch", "--quiet", "origin", "refs/pull/1/head")
    assert git(here, "rev-parse", "FETCH_HEAD").strip() == sha
    git(here, "push", "origin", "main:refs/pull/1/head", succeeds=False)


def test_an_executable_file_stays_executable(town: Town, work: Path) -> None:
    sandbox = town.sandbox
    sandbox.push(FULL_NAME, {"mvnw": b"#!/bin/sh\n"}, executable={"mvnw"}, by="octocat")
    sandbox.push(FULL_NAME, {"mvnw": b"#!/bin/sh\nexit 0\n", 'odd "name"\\ü': b"x"}, by="octocat")
    here = clone(town, work)
    assert os.access(here / "mvnw", os.X_OK)
    assert (here / 'odd "name"\\ü').read_bytes() == b"x"
    sandbox.push(FULL_NAME, {}, delete={"mvnw"}, by="octocat")
    git(here, "pull", "--quiet", "--ff-only")
    assert not (here / "mvnw").exists()
