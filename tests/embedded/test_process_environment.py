"""What builds are told of the operator's proxy and mirror, and what an exit or an answer means."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from infra.embedded.process.environment import allowed
from infra.embedded.process.instance import how, jvm_options
from infra.embedded.process.probe import up
from infra.embedded.process.proxies import java_proxies, maven_settings

PROXY = {"https_proxy": "http://user:pa%40ss@proxy.example:3128", "NO_PROXY": "localhost,.internal.example"}


def test_only_what_is_allowed_passes() -> None:
    given = {"PATH": "/bin", "LANG": "C", "HTTPS_PROXY": "p", "HOME": "/root", "WHALERAY_X": "x", "AWS_SECRET": "x"}
    assert allowed(given) == {"PATH": "/bin", "LANG": "C", "HTTPS_PROXY": "p"}


def test_without_proxy_and_mirror_maven_needs_no_settings() -> None:
    assert maven_settings({"PATH": "/bin", "https_proxy": ""}) is None


def test_maven_is_told_of_the_proxy() -> None:
    settings = ElementTree.fromstring(maven_settings(PROXY) or "")  # noqa: S314 - our own
    (proxy,) = settings.findall("proxies/proxy")
    assert {field.tag: field.text for field in proxy} == {
        "id": "https",
        "protocol": "https",
        "host": "proxy.example",
        "port": "3128",
        "username": "user",
        "password": "pa@ss",
        "nonProxyHosts": "localhost|*.internal.example",
    }


def test_maven_is_told_of_the_mirror() -> None:
    settings = ElementTree.fromstring(maven_settings({"MVNW_REPOURL": "https://mirror.example/a&b"}) or "")  # noqa: S314
    assert settings.findtext("mirrors/mirror/url") == "https://mirror.example/a&b"
    assert settings.findtext("mirrors/mirror/mirrorOf") == "central"


def test_gradle_is_told_in_javas_words() -> None:
    assert java_proxies({"HTTP_PROXY": "proxy.example:80", "no_proxy": "localhost"}) == [
        "-Dhttp.proxyHost=proxy.example",
        "-Dhttp.proxyPort=80",
        "-Dhttp.nonProxyHosts=localhost",
    ]


@pytest.mark.parametrize(
    ("status", "actuator", "healthy"),
    [
        (200, True, True),
        (401, True, True),
        (403, True, True),
        (404, True, False),
        (503, True, False),
        (302, True, False),
        (200, False, True),
        (404, False, True),
        (401, False, True),
        (302, False, True),
        (500, False, False),
    ],
)
def test_what_counts_as_up(status: int, actuator: bool, healthy: bool) -> None:
    assert up(status, actuator=actuator) is healthy


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (-9, "ended by SIGKILL"),
        (143, "ended by SIGTERM"),
        (255, "exit code 255"),
    ],
)
def test_how_an_application_ended(code: int, words: str) -> None:
    assert how(code) == words


@pytest.mark.parametrize(
    ("wanted", "there", "opened"), [(8, 17, True), (11, 25, True), (8, 11, False), (17, 25, False)]
)
def test_an_application_for_an_older_jdk_may_do_what_that_allowed(wanted: int, there: int, opened: bool) -> None:
    options = jvm_options({"env": {}, "memory": 512 << 20, "jdk": wanted}, "/home", there)
    assert ("--add-opens=java.base/java.lang=ALL-UNNAMED" in options) is opened
