"""A commit's source: the tarball fetched within limits, and unpacked so that it can't reach outside its directory."""

from __future__ import annotations

import tarfile
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

MAX_DOWNLOAD = 1024**3
MAX_UNPACKED = 4 * 1024**3
MAX_ENTRIES = 300_000
ATTEMPTS = 4
TIMEOUT_S = 30
_CHUNK = 1024 * 1024


class FetchError(Exception):
    """The source can't be had; the text says why."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """The token goes to the host it was made for and to no other."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            new.remove_header("Authorization")
        return new


def download(url: str, token: str, target: Path) -> None:
    """Fetch with a few attempts, seconds apart. Raises FetchError."""
    opener = urllib.request.build_opener(_Redirects)
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "whaleray"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the API's own address
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _once(opener, request, target)
        except urllib.error.HTTPError as error:
            if (error.code < 500 and error.code != 429) or attempt == ATTEMPTS:
                raise FetchError(f"GitHub answered {error.code} {error.reason}") from error
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS:
                raise FetchError(f"GitHub can't be reached: {error}") from error
        else:
            return
        time.sleep(2.0 ** (attempt - 1))


def _once(opener: urllib.request.OpenerDirector, request: urllib.request.Request, target: Path) -> None:
    size = 0
    with opener.open(request, timeout=TIMEOUT_S) as answer, target.open("wb") as file:
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            if size > MAX_DOWNLOAD:
                raise FetchError(f"the repository's archive is larger than {MAX_DOWNLOAD // 1024**2} MB")
            file.write(chunk)


def unpack(archive: Path, target: Path) -> Path:
    """The archive's one top directory, unpacked under `target`. Raises FetchError.

    Python's `data` filter refuses absolute paths, `..`, devices and links that leave the directory.
    """
    entries = size = 0
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                entries += 1
                size += member.size
                if entries > MAX_ENTRIES or size > MAX_UNPACKED:
                    raise FetchError(f"the repository holds more than {MAX_ENTRIES:,} files or {MAX_UNPACKED >> 30} GB")
                try:
                    tar.extract(member, target, filter="data")
                except tarfile.FilterError:
                    continue  # a link that leads outside is not followed; the build says what it misses
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(f"the repository's archive can't be unpacked: {error}") from error
    tops = [entry for entry in target.iterdir() if entry.is_dir()]
    if len(tops) != 1:
        raise FetchError("the repository's archive does not hold one directory")
    return tops[0]
