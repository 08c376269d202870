"""The demonstration's JDK: fetched with its checksum held, or named with the one command that installs it. The link is
served here, and Adoptium's answer is made up: it can't be reached from everywhere that the tests run."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import respx

from bot.errors import UserError
from infra.demo import jdk


def archive(script: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("jdk-17.0.99+1/bin/javac")
        member.size, member.mode = len(script), 0o755
        tar.addfile(member, io.BytesIO(script))
    return out.getvalue()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    """A link to an archive whose `javac` runs, and its bytes."""
    body = archive(b"#!/bin/sh\necho javac 17.0.99\n")
    directory = tmp_path / "served"
    directory.mkdir()
    (directory / "OpenJDK17U-jdk_17.0.99_1.tar.gz").write_bytes(body)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/OpenJDK17U-jdk_17.0.99_1.tar.gz", body
    server.shutdown()
    server.server_close()
    thread.join()


def promised(link: str, checksum: str) -> httpx.Response:
    return httpx.Response(200, json=[{"binary": {"package": {"link": link, "checksum": checksum}}}])


def test_one_of_this_machine_is_taken_and_nothing_is_asked(tmp_path: Path) -> None:
    with respx.mock():
        assert jdk.ensure_jdk(tmp_path / "jdk", Path("/opt/jdk-17")) == Path("/opt/jdk-17")


def test_a_fetched_one_is_unpacked_once_its_checksum_holds_and_kept(tmp_path: Path, served: tuple[str, bytes]) -> None:
    link, body = served
    with respx.mock() as api:
        api.get(jdk.ASSETS).mock(return_value=promised(link, hashlib.sha256(body).hexdigest()))
        home = jdk.ensure_jdk(tmp_path / "jdk", None)
    assert jdk.is_jdk(home)
    with respx.mock():
        assert jdk.ensure_jdk(tmp_path / "jdk", None) == home


def test_another_checksum_is_refused_and_the_command_named(tmp_path: Path, served: tuple[str, bytes]) -> None:
    with respx.mock() as api:
        api.get(jdk.ASSETS).mock(return_value=promised(served[0], "0" * 64))
        with pytest.raises(UserError, match=r"checksum.*apt install openjdk-17-jdk-headless"):
            jdk.ensure_jdk(tmp_path / "jdk", None)
    assert not list((tmp_path / "jdk").glob("*"))


def test_without_a_network_the_command_is_named(tmp_path: Path) -> None:
    with respx.mock() as api:
        api.get(jdk.ASSETS).mock(side_effect=httpx.ConnectError("no route"))
        with pytest.raises(UserError, match="apt install openjdk-17-jdk-headless"):
            jdk.ensure_jdk(tmp_path / "jdk", None)
