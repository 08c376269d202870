"""A commit's source: the tarball fetched within limits, and unpacked so that it can't reach outside its directory."""

from __future__ import annotations

import os
import shutil
import ssl
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from http.client import HTTPException, HTTPMessage
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

MAX_DOWNLOAD = 1024**3
MAX_UNPACKED = 4 * 1024**3
MAX_ENTRIES = 300_000
ATTEMPTS = 4
TIMEOUT_S = 30
LONGEST_S = 600
_CHUNK = 1024 * 1024


class FetchError(Exception):
    """The source can't be had; the text says why. `disk`: because there is no room for it."""

    def __init__(self, why: str, *, disk: bool = False) -> None:
        super().__init__(why)
        self.disk = disk


class _Redirects(urllib.request.HTTPRedirectHandler):
    """The token goes to the host it was made for, by the way it was sent there, and to no other."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            new.remove_header("Authorization")
        return new


def download(url: str, token: str, target: Path) -> None:
    """Fetch with a few attempts, seconds apart. Raises FetchError."""
    local = (urlsplit(url).hostname or "").startswith(("127.", "localhost", "::1"))
    opener = urllib.request.build_opener(_Redirects, *([urllib.request.ProxyHandler({})] if local else []))
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "whaleray"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the API's own address
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _once(opener, request, target)
        except urllib.error.HTTPError as error:
            if (error.code < 500 and error.code != 429) or attempt == ATTEMPTS:
                raise FetchError(f"GitHub answered {error.code} {error.reason}") from error
        except (urllib.error.URLError, ssl.SSLError, ConnectionError, TimeoutError, HTTPException) as error:
            if attempt == ATTEMPTS:
                raise FetchError(f"GitHub can't be reached: {getattr(error, 'reason', error)}") from error
        else:
            return
        time.sleep(2.0 ** (attempt - 1))


def _once(opener: urllib.request.OpenerDirector, request: urllib.request.Request, target: Path) -> None:
    size = 0
    deadline = time.monotonic() + LONGEST_S
    with opener.open(request, timeout=TIMEOUT_S) as answer, target.open("wb") as file:
        promised = int(answer.headers.get("Content-Length", 0))
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            if size > MAX_DOWNLOAD:
                raise FetchError(f"the repository's archive is larger than {MAX_DOWNLOAD // 1024**2} MB")
            if time.monotonic() > deadline:
                raise FetchError(f"GitHub had not sent all of it after {LONGEST_S // 60} minutes")
            file.write(chunk)
        if size < promised:
            raise ConnectionError("the connection was cut")


def unpack(archive: Path, target: Path) -> Path:
    """The archive's one top directory, unpacked under `target`, which isn't there yet. Raises FetchError.

    GitHub's archives hold directories, files and symlinks; anything else, and what leads outside, is left out. (The
    filters of `tarfile` do the same, but Debian 12's Python 3.11.2 has none.) Links are made last, so that nothing is
    written through one.
    """
    target.mkdir()
    links: list[tuple[Path, str]] = []
    entries = size = 0
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for member in tar:
                entries += 1
                size += member.size
                if entries > MAX_ENTRIES or size > MAX_UNPACKED:
                    raise FetchError(f"the repository holds more than {MAX_ENTRIES:,} files or {MAX_UNPACKED >> 30} GB")
                place = _inside(target, member.name)
                if place is None:
                    continue
                if member.isdir():
                    place.mkdir(parents=True, exist_ok=True)
                elif member.isreg():
                    _write(tar, member, place)
                elif member.issym():
                    links.append((place, member.linkname))
    except (
        tarfile.TarError,
        zlib.error,
        EOFError,
        MemoryError,
        ValueError,
        FileExistsError,
        NotADirectoryError,
    ) as error:
        raise FetchError(f"the repository's archive can't be unpacked: {error}") from error
    tops = [entry for entry in target.iterdir() if entry.is_dir()]
    if len(tops) != 1:
        raise FetchError("the repository's archive does not hold one directory")
    _link(tops[0].resolve(), links)
    return tops[0]


def _inside(target: Path, name: str) -> Path | None:
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts or "\0" in name:
        return None
    return target.joinpath(*parts)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    content = tar.extractfile(member)
    if content is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o755 if member.mode & 0o100 else 0o644
    flags = os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(place, flags, mode), "wb") as file:
        shutil.copyfileobj(content, file, _CHUNK)


def _link(top: Path, links: list[tuple[Path, str]]) -> None:
    made = []
    for place, goal in links:
        if "\0" not in goal and not goal.startswith("/") and not os.path.lexists(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(goal)
            made.append(place)
    for place in made:
        if not Path(os.path.realpath(place)).is_relative_to(top):
            place.unlink()  # it is not followed; the build says what it misses
