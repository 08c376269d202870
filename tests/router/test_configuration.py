"""The configuration that is written: for any settings, and for a thousand services."""

from __future__ import annotations

import logging
import re
import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest

from router.config import RouterConfig, list_digest, render_config, render_listed, valid
from router.errors import RouterError
from router.nginx import Nginx, prepare
from router.processes import session_members
from tests.router.rig import TOKEN, Rig, eventually

log = logging.getLogger(__name__)
IDS = [f"github_123456_owner-{n:04}_with-a-name-of-some-length" for n in range(1000)]


@pytest.fixture
def config(tmp_path: Path) -> RouterConfig:
    return RouterConfig(state_dir=tmp_path / "router", host="127.0.0.1", port=1, dns_port=1, probe_token=TOKEN)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "0.0.0.0"},  # noqa: S104 - nothing is started
        {"host": "::1"},
        {"dns_host": "169.254.169.253", "dns_port": 53, "valid_s": 5, "log_to_stderr": True},
        {"forwarded_proto": "https", "trusted_proxies": ("10.0.0.0/8", "fd00::/8")},
        {"domain": "other.internal", "service_port": 65535},
    ],
)
def test_nginx_takes_the_configuration_of_any_settings(config: RouterConfig, settings: dict[str, object]) -> None:
    # As another port than what may be taken: the test of a configuration binds.
    config = replace(config, port=Rig(config.state_dir.parent / "rig").port, **settings)  # type: ignore[arg-type]
    prepare(config)
    nginx = Nginx(config)
    nginx.write(render_listed([(IDS[0], 8080), ("github_" + "z" * 56, 1)], config))
    nginx.check()


@pytest.mark.parametrize("token", ["", "short", 'a"; drop', "a" * 15, "a b" * 10, "ä" * 20])
def test_a_token_that_could_be_guessed_or_end_its_quotes_is_refused(config: RouterConfig, token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        replace(config, probe_token=token)


@pytest.mark.parametrize(
    "service",
    [
        *(
            (name, 80)
            for name in ("github_1;", "github_A", "github_", "github_a-", "github_" + "a" * 57, "x", "github_a\n")
        ),
        ("github_a", 0),
        ("github_a", 65536),
    ],
)
def test_what_is_no_service_is_not_listed(config: RouterConfig, service: tuple[str, int]) -> None:
    assert not valid(service)
    with pytest.raises(ValueError, match="is no service"):
        render_listed([service], config)


def test_a_service_goes_to_its_upstream_only_where_it_is_routed(config: RouterConfig) -> None:
    text = render_listed([("github_a", 1), ("github_b", 2)], config, {("github_b", 2)})
    assert '"github_a" "github_a.whaleray.local:1";' in text
    assert '"github_b" "up_github_b";' in text
    assert text.count("upstream up_") == 2


def test_the_digest_of_a_list_changes_with_it_and_is_in_it(config: RouterConfig) -> None:
    one, other = (render_listed([("github_a", 1)], config, routed) for routed in ((), None))
    assert list_digest(one) in one and list_digest(other) in other
    assert list_digest(one) != list_digest(other)


def test_no_descriptor_is_promised_that_the_system_does_not_give(config: RouterConfig) -> None:
    text = render_config(config, files=1000)
    assert "worker_rlimit_nofile 1000;" in text and "worker_connections 500;" in text
    prepare(config)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert f"worker_rlimit_nofile {min(65536, hard)};" in Nginx(config).text


async def test_it_runs_in_a_directory_of_any_name(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "John's $HOME; {a} [b]* ü")
    rig.start()
    try:
        async with rig.serving("github_7-anywhere"):
            await rig.list("github_7-anywhere")
            assert (await rig.ask("/github_7-anywhere/")).status == 200
    finally:
        rig.stop()
        await rig.registry.aclose()


async def test_behind_a_proxy_that_ends_tls_its_word_counts_and_no_other(tmp_path: Path) -> None:
    rig = Rig(tmp_path, settings={"forwarded_proto": "https", "trusted_proxies": ["127.0.0.1/32"]})
    rig.start()
    try:
        async with rig.serving("github_7-tls") as backend:
            await rig.ask(
                "/github_7-tls/", headers=["X-Forwarded-For: 6.6.6.6, 203.0.113.9", "X-Forwarded-Proto: http"]
            )
            sent = backend.requests[0]
        assert sent.all("X-Forwarded-For") == ["203.0.113.9"], "what the client itself claimed is dropped"
        assert sent.all("X-Forwarded-Proto") == ["https"]
    finally:
        rig.stop()
        await rig.registry.aclose()


async def test_a_thousand_services(rig: Rig) -> None:
    """The figures are logged and not asserted: they are the machine's."""
    services = [(service_id, rig.service_port) for service_id in IDS]
    await rig.registry.publish(services)
    await rig.registry.register(IDS[-1], ["127.0.0.1"], rig.service_port)
    began = time.monotonic()
    rig.start()
    log.info("seconds to start: %s", round(time.monotonic() - began, 2))
    began = time.monotonic()
    await rig.list(*IDS)
    log.info("seconds until all have upstreams: %s", round(time.monotonic() - began, 2))
    began = time.monotonic()
    Nginx(rig.config).check()
    log.info("seconds of nginx -t: %s", round(time.monotonic() - began, 2))
    log.info("bytes of listed.conf: %s", rig.config.listed_file.stat().st_size)
    began = time.monotonic()
    await rig.list(*IDS[:-1])
    log.info("seconds of a reload: %s", round(time.monotonic() - began, 2))
    for process in session_members(rig.master, "nginx"):
        log.info("memory of an nginx process: %s", _resident(process.pid))

    async def listed_and_down() -> bool:
        return (await rig.ask(f"/{IDS[0]}/")).status == 503

    await eventually(listed_and_down)


def _resident(pid: int) -> str:
    """As the kernel words it; nothing of a process that has just ended."""
    found = re.search(r"^VmRSS:(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return found[1].strip() if found else ""


def test_an_nginx_that_is_too_old_is_told_by_what_it_does_not_know(
    config: RouterConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "nginx"
    old.write_text("#!/bin/sh\necho 'nginx: [emerg] unknown directive \"keepalive_min_timeout\"' >&2\nexit 1\n")
    monkeypatch.setattr("router.nginx.binary", lambda: str(old))
    prepare(config)
    with pytest.raises(RouterError, match=r"can't be run.*Install nginx 1\.29\.7"):
        Nginx(config).check()
    old.chmod(0o700)
    with pytest.raises(RouterError, match=r"keepalive_min_timeout.*\n?.*nginx 1\.29\.7 or later is needed"):
        Nginx(config).check()
