"""The sample repository `hello-spring`, in the versions that the story pushes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import httpx

from bot.errors import Outage

WRAPPER = (
    "https://repo.maven.apache.org/maven2/org/apache/maven/wrapper/maven-wrapper-distribution/3.3.4/"
    "maven-wrapper-distribution-3.3.4-only-script.zip"
)
WRAPPER_SHA256 = "6cb584c2bc907b849a0b931d8266d3ff3214cdd3127115ed4f49fb7176413d36"
CONTROLLER = "src/main/java/com/example/hello/HelloController.java"
BROKEN_LINE = 12
"""Where the broken version uses a class that isn't there."""


def files(cache: Path) -> dict[str, bytes]:
    """The repository's files; `mvnw` is Apache Maven's own script, fetched once from Maven Central. Raises Outage."""
    found = dict(_walk(resources.files("infra.demo") / "sample", ""))
    return found | {"mvnw": wrapper_script(cache)}


def _walk(directory: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in directory.iterdir():
        name = prefix + entry.name
        found += _walk(entry, name + "/") if entry.is_dir() else [(name, entry.read_bytes())]
    return found


def wrapper_script(cache: Path) -> bytes:
    kept = cache / "mvnw-3.3.4.zip"
    if not kept.exists():
        try:
            answer = httpx.get(WRAPPER, timeout=30, follow_redirects=True).raise_for_status()
        except httpx.HTTPError as error:
            raise Outage(
                "Maven Central can't be reached.",
                f"{error}.",
                "The demonstration builds a real application: connect to the network, or set https_proxy.",
            ) from error
        if hashlib.sha256(answer.content).hexdigest() != WRAPPER_SHA256:
            raise Outage("The Maven wrapper from Maven Central is not the one expected.", "Its checksum differs.")
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(answer.content)
    with zipfile.ZipFile(io.BytesIO(kept.read_bytes())) as archive:
        return archive.read("mvnw")


def version(number: int, sample: dict[str, bytes]) -> dict[str, bytes]:
    """The one file that a new version changes."""
    source = sample[CONTROLLER].decode()
    return {CONTROLLER: source.replace('"version", "1"', f'"version", "{number}"').encode()}


def broken(sample: dict[str, bytes]) -> dict[str, bytes]:
    """A version that uses a class nobody committed."""
    source = sample[CONTROLLER].decode()
    return {CONTROLLER: source.replace('"Hello, Spring"', 'Greeter.greet("Spring")').encode()}
