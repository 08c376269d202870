"""What BuildKit and the Docker engine say, in WhaleRay's words. Lines as BuildKit 0.8 and 0.19 write them."""

from __future__ import annotations

import errno
from pathlib import Path

import docker.errors
import pytest
import requests
from urllib3.exceptions import ProtocolError

from bot.errors import OurError, Outage, UserError
from infra.embedded.docker import answers, cli, doctor, labels, words
from infra.embedded.docker.client import Daemon, in_words, out_of_reach

OLD = """\
#24 [build 7/9] RUN ["./mvnw", "-B", "package"]
#24 1.204 [ERROR] cannot find symbol
#24 ERROR: executor failed running [./mvnw -B package]: exit code: 3
------
 > [build 7/9] RUN ["./mvnw", "-B", "package"]:
#24 1.204 [ERROR] cannot find symbol
------
executor failed running [./mvnw -B package]: exit code: 3
"""
NEW = """\
#9 0.310 boom
#9 ERROR: process "/bin/sh -c ./gradlew bootJar" did not complete successfully: exit code: 1
------
Dockerfile:4
   3 |     COPY . .
   4 | >>> RUN ./gradlew bootJar
ERROR: failed to solve: process "/bin/sh -c ./gradlew bootJar" did not complete successfully: exit code: 1
"""
DENIED = (
    "#2 ERROR: pull access denied\n------\n"
    "failed to solve with frontend dockerfile.v0: failed to create LLB definition: pull access denied, repository does "
    "not exist or may require authorization: server message: insufficient_scope: authorization failed\n"
)


@pytest.mark.parametrize(
    ("log", "what", "why"),
    [
        (OLD, "The build failed.", "`./mvnw -B package` ended with exit code 3."),
        (NEW, "The build failed.", "`./gradlew bootJar` ended with exit code 1."),
        (OLD.replace(" 3\n", " 137\n"), "The build was killed.", "exit code 137"),
        (DENIED, "A base image could not be fetched.", "pull access denied, repository does not exist"),
        (
            "#26 2.2 The build made no executable Spring Boot jar: none in build/libs has a Start-Class\n" + OLD,
            "The build made no executable Spring Boot jar.",
            "`build/libs`",
        ),
        ("#7 3.1 tar: x: Cannot write: No space left on device\n" + OLD, "The disk is full.", "room"),
        (
            "failed to solve: dockerfile parse error on line 2: unknown instruction: FORM\n",
            "The Dockerfile can't be built.",
            "line 2: unknown instruction: FORM",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
            "Docker went away during the build.",
            "unix:///var/run/docker.sock",
        ),
        ("error: something new\n", "The image could not be built.", "something new"),
        ("", "The image could not be built.", "exit code 17"),
    ],
)
def test_why_a_build_failed_is_read_from_the_end_of_its_log(log: str, what: str, why: str) -> None:
    failure = words.why(log, 17).failure
    assert failure["what"] == what
    assert why in (failure["why"] or "")


def test_what_a_step_prints_is_not_taken_for_what_docker_says() -> None:
    log = "#9 0.3 Cannot connect to the Docker daemon\n#9 0.4 pull access denied\n" + NEW
    assert words.why(log, 1).failure["what"] == "The build failed."


@pytest.mark.parametrize(
    ("number", "what", "mend"),
    [
        (errno.EACCES, "Docker refuses this user.", "group docker"),
        (errno.ENOENT, "Docker does not answer.", "systemctl start docker"),
        (errno.ECONNREFUSED, "Docker does not answer.", "systemctl start docker"),
        (errno.ECONNRESET, "Docker does not answer.", "unix:///x.sock"),
    ],
)
def test_a_docker_that_cannot_be_asked_is_an_outage_with_a_mend(number: int, what: str, mend: str) -> None:
    wrapped = requests.ConnectionError(ProtocolError("Connection aborted.", OSError(number, "as the kernel says")))
    error = in_words(docker.errors.DockerException(wrapped), "unix:///x.sock")
    assert isinstance(error, Outage)
    assert error.what == what
    assert mend in error.mend


def test_a_refusal_says_what_docker_says_and_a_full_disk_is_waited_for() -> None:
    refused = in_words(docker.errors.APIError("", explanation="no such thing."), "")
    full = in_words(docker.errors.APIError("", explanation="mkdir: no space left on device"), "")
    assert isinstance(refused, OurError)
    assert refused.why == "It says: no such thing."
    assert isinstance(full, Outage)
    assert full.what == "The disk is full."


def test_where_nothing_listens_nothing_answers() -> None:
    environment = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    assert not answers(environment)
    with pytest.raises(Outage, match="does not answer"), Daemon(environment).asked():
        pass


@pytest.mark.parametrize(
    ("host", "info", "reached"),
    [
        ("unix:///var/run/docker.sock", {"OperatingSystem": "Debian", "SecurityOptions": ["name=seccomp"]}, True),
        ("unix:///run/user/1/docker.sock", {"SecurityOptions": ["name=rootless"]}, False),
        ("unix:///var/run/docker.sock", {"OperatingSystem": "Docker Desktop"}, False),
        ("tcp://10.0.0.1:2376", {}, False),
        ("ssh://elsewhere", {}, False),
    ],
)
def test_containers_of_some_engines_are_out_of_reach(host: str, info: dict[str, object], reached: bool) -> None:
    assert (out_of_reach(host, info) is None) is reached


def test_a_machine_without_docker_is_told_what_to_install(tmp_path: Path) -> None:
    environment = {"DOCKER_HOST": "unix:///nonexistent.sock", "PATH": str(tmp_path)}
    problems = {check.name: check.problem or "" for check in doctor.check(tmp_path, environment)}
    assert "docker.io" in problems["Docker"]
    assert "docker.io" in problems["BuildKit"]


def test_a_docker_command_without_buildkit_is_passed_over_for_one_that_has_it(tmp_path: Path) -> None:
    config = cli.configuration(tmp_path / "config", {"HOME": "/home/somebody"})
    new = command(tmp_path / "new", "28.2.2", "exit 1")
    with pytest.raises(UserError, match="BuildKit"):
        cli.builder({"PATH": str(new.parent)}, config)
    for other in (
        command(tmp_path / "old", "20.10.24", "exit 1"),
        command(tmp_path / "plugin", "29.0.0", "echo buildx"),
    ):
        assert cli.builder({"PATH": f"{new.parent}:{other.parent}"}, config) == str(other)
    assert "/home/somebody/.docker/cli-plugins" in (config / "config.json").read_text()


def command(directory: Path, version: str, buildx: str) -> Path:
    """A stand-in for `docker`, as far as it is asked."""
    directory.mkdir()
    made = directory / "docker"
    made.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "Docker version {version}, build x" && exit\n{buildx}\n')
    made.chmod(0o755)
    return made


def test_an_image_is_named_after_its_service_and_every_service_has_its_own_name() -> None:
    assert labels.image("github_1-octo-hello", "d1") == "whaleray/github_1-octo-hello:d1"
    odd = [labels.image(f"github_1-octo{gap}hello", "d1") for gap in ("-_", "___", "_-")]
    assert len(set(odd)) == 3
    assert all(name.startswith("whaleray/github-1-octo-hello-") for name in odd)
