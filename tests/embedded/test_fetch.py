"""A commit's source comes whole or not at all, and nothing in it reaches outside its directory."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.embedded.process import fetch
from infra.embedded.process.fetch import FetchError, download, unpack

Answer = Callable[[BaseHTTPRequestHandler], None]
Member = tuple[tarfile.TarInfo, bytes]


class Web:
    """An HTTP server whose answers are given one after another; what it was asked is kept."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.tokens: list[str | None] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.tokens.append(self.headers.get("Authorization"))
                web.answers.pop(0)(self)

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tarball"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture
def elsewhere() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are written down and not waited."""
    waited: list[float] = []
    monkeypatch.setattr("infra.embedded.process.fetch.time.sleep", waited.append)
    return waited


def says(status: int, body: bytes = b"", promised: int | None = None, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) if promised is None else promised))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def test_it_is_fetched_with_the_token(web: Web, tmp_path: Path) -> None:
    web.answers = [says(200, b"source")]
    download(web.url, "secret", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"source"
    assert web.tokens == ["Bearer secret"]


def test_a_redirect_to_another_host_does_not_carry_the_token(web: Web, elsewhere: Web, tmp_path: Path) -> None:
    web.answers = [says(302, Location=elsewhere.url)]
    elsewhere.answers = [says(200, b"source")]
    download(web.url, "secret", tmp_path / "x")
    assert elsewhere.tokens == [None]


def test_a_redirect_on_the_same_host_does(web: Web, tmp_path: Path) -> None:
    web.answers = [says(302, Location=f"{web.url}/there"), says(200, b"source")]
    download(web.url, "secret", tmp_path / "x")
    assert web.tokens == ["Bearer secret", "Bearer secret"]


def test_a_slow_moment_of_github_is_waited_out(web: Web, tmp_path: Path, hurried: list[float]) -> None:
    web.answers = [says(502), says(429), says(200, b"half", promised=8), says(200, b"complete")]
    download(web.url, "secret", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"complete"
    assert hurried == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_final_and_says_itself(web: Web, tmp_path: Path, status: int) -> None:
    web.answers = [says(status)]
    with pytest.raises(FetchError, match=str(status)):
        download(web.url, "secret", tmp_path / "x")
    assert len(web.tokens) == 1


def test_after_a_few_attempts_it_gives_up_and_never_names_the_token(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="can't be reached") as caught:
        download("http://127.0.0.1:9/tarball", "secret", tmp_path / "x")
    assert "secret" not in str(caught.value)


def test_an_archive_without_end_is_cut_off(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_DOWNLOAD", 1000)
    web.answers = [says(200, b"x" * 2000)]
    with pytest.raises(FetchError, match="larger than"):
        download(web.url, "secret", tmp_path / "x")


def file(name: str, body: bytes = b"", mode: int = 0o644) -> Member:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(body), mode
    return member, body


def special(name: str, kind: bytes, goal: str = "") -> Member:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, goal
    return member, b""


def packed(tmp_path: Path, *members: Member) -> Path:
    archive = tmp_path / "x.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for member, body in members:
            tar.addfile(member, io.BytesIO(body))
    return archive


def test_files_directories_modes_and_links_are_there(tmp_path: Path) -> None:
    archive = packed(
        tmp_path,
        special("top", tarfile.DIRTYPE),
        file("top/mvnw", b"#!/bin/sh", 0o755),
        file("top/deep/er/pom.xml", b"<project/>"),
        special("top/link.xml", tarfile.SYMTYPE, "deep/er/pom.xml"),
        special("top/deep/up", tarfile.SYMTYPE, "../mvnw"),
    )
    top = unpack(archive, tmp_path / "out")
    assert (top / "deep/er/pom.xml").read_bytes() == b"<project/>"
    assert (top / "link.xml").read_bytes() == b"<project/>"
    assert (top / "deep/up").read_bytes() == b"#!/bin/sh"
    assert (top / "mvnw").stat().st_mode & 0o100
    assert not (top / "deep/er/pom.xml").stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["../evil", "top/../../evil", "/tmp/whaleray-evil", "top/x/../../../evil"])
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    unpack(packed(tmp_path, file("top/pom.xml"), file(name, b"evil")), tmp_path / "out")
    assert [p.name for p in tmp_path.rglob("*evil*")] == []
    assert not Path("/tmp/whaleray-evil").exists()


@pytest.mark.parametrize(
    "links",
    [
        {"top/out": "/etc"},
        {"top/out": "../../.."},
        {"top/out": ".."},
        {"top/deep/d/x": "../..", "top/deep/d/out": "x/../"},
        {"top/a": "b", "top/b": "../../outside"},
    ],
)
def test_no_link_leads_out(tmp_path: Path, links: dict[str, str]) -> None:
    members = [special(name, tarfile.SYMTYPE, goal) for name, goal in links.items()]
    top = unpack(packed(tmp_path, file("top/deep/d/file"), *members), tmp_path / "out").resolve()
    left = [path for path in top.rglob("*") if path.is_symlink()]
    assert all(path.resolve().is_relative_to(top) for path in left)
    assert not (top / "out").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = packed(
        tmp_path,
        special("top/dir", tarfile.SYMTYPE, str(outside)),
        file("top/dir/evil", b"evil"),
        special("top/pom.xml", tarfile.SYMTYPE, str(outside / "evil")),
        file("top/pom.xml", b"evil"),
    )
    unpack(archive, tmp_path / "out")
    assert list(outside.iterdir()) == []


def test_devices_and_hard_links_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    archive = packed(
        tmp_path,
        file("top/pom.xml"),
        special("top/fifo", tarfile.FIFOTYPE),
        special("top/null", tarfile.CHRTYPE),
        special("top/hard", tarfile.LNKTYPE, str(tmp_path / "secret")),
    )
    assert [path.name for path in unpack(archive, tmp_path / "out").iterdir()] == ["pom.xml"]


def test_a_bomb_does_not_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_UNPACKED", 1024 * 1024)
    archive = packed(tmp_path, file("top/small"), file("top/zeros", bytes(2 * 1024 * 1024)))
    assert archive.stat().st_size < 10_000
    with pytest.raises(FetchError, match="holds more than"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out/top/zeros").exists()


def test_more_files_than_a_repository_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_ENTRIES", 10)
    with pytest.raises(FetchError, match="10 files"):
        unpack(packed(tmp_path, *(file(f"top/{n}") for n in range(11))), tmp_path / "out")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>not an archive</html>", "can't be unpacked"),
        (b"", "can't be unpacked"),
        (gzip.compress(b"no tar inside" * 100, mtime=0), "can't be unpacked"),
    ],
    ids=["a page", "nothing", "something else"],
)
def test_what_is_no_archive_is_said(tmp_path: Path, body: bytes, said: str) -> None:
    (tmp_path / "x.tar.gz").write_bytes(body)
    with pytest.raises(FetchError, match=said):
        unpack(tmp_path / "x.tar.gz", tmp_path / "out")


def test_a_truncated_archive_is_said(tmp_path: Path) -> None:
    whole = packed(tmp_path, file("top/pom.xml", b"x" * 100_000)).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FetchError, match="can't be unpacked"):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "out")


def test_an_archive_must_hold_one_directory(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="one directory"):
        unpack(packed(tmp_path, file("a/x"), file("b/x")), tmp_path / "out")
