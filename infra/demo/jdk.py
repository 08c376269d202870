"""A JDK 17 for the demonstration: one of this machine's, else Temurin fetched into the state directory."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import httpx
import jdk as install_jdk
from jdk import extractor
from jdk.client import load_client

from bot.errors import UserError

NEEDED = 17
ASSETS = "https://api.adoptium.net/v3/assets/latest/17/hotspot"
"""Adoptium's API: the newest release with its download link and SHA-256."""


def ensure_jdk(cache: Path, found: Path | None) -> Path:
    """The home of a JDK >= 17 with a compiler: `found` on this machine, or an earlier download, or a new one.

    Raises UserError naming the one command that installs it where it can't be fetched.
    """
    if found is not None:
        return found
    for home in sorted(cache.glob("*")) if cache.is_dir() else []:
        if is_jdk(home):
            return home
    try:
        return _fetch(cache)
    except (httpx.HTTPError, OSError, install_jdk.JdkError, ValueError) as error:
        raise UserError(
            "No JDK 17 was found, and none could be fetched.",
            f"{error}.",
            "Install it with: apt install openjdk-17-jdk-headless (Fedora: dnf install java-17-openjdk-devel).",
        ) from error


def is_jdk(home: Path) -> bool:
    """Whether a compiler is there and runs: an archive cut short has no working one."""
    javac = home / "bin" / "javac"
    try:
        return subprocess.run([javac, "-version"], capture_output=True, timeout=30, check=False).returncode == 0
    except OSError:
        return False


def _fetch(cache: Path) -> Path:
    link, checksum = _release()
    file = load_client("Adoptium")().download(link)
    if file is None:
        raise ValueError(f"{link} names no file")
    archive = Path(file)
    try:
        with archive.open("rb") as opened:
            actual = hashlib.file_digest(opened, "sha256").hexdigest()
        if actual != checksum:
            raise ValueError(f"the checksum of {link} is {actual}, and {checksum} was promised")
        cache.mkdir(parents=True, exist_ok=True)
        unpacked = Path(
            extractor.extract_files(str(archive), extractor.get_compressed_file_ext(str(archive)), str(cache))
        )
    finally:
        archive.unlink(missing_ok=True)
    if not is_jdk(unpacked):
        shutil.rmtree(unpacked, ignore_errors=True)
        raise ValueError(f"what {link} holds does not run here")
    return unpacked


def _release() -> tuple[str, str]:
    """Link and SHA-256 of the newest Temurin 17 for this machine."""
    musl = any(Path("/lib").glob("ld-musl-*"))
    wanted = {
        "architecture": str(install_jdk.ARCH.value),
        "image_type": "jdk",
        "os": "alpine-linux" if musl else "linux",
        "vendor": "eclipse",
    }
    answer = httpx.get(ASSETS, params=wanted, timeout=20).raise_for_status().json()
    if not answer:
        raise ValueError(f"Adoptium has no JDK {NEEDED} for {wanted['os']} on {wanted['architecture']}")
    package = answer[0]["binary"]["package"]
    return str(package["link"]), str(package["checksum"])
