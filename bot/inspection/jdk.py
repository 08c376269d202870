"""Which JDK: a version as people write it, and the small files that name one."""

from __future__ import annotations

import re

DEFAULT = 17
OLDEST = 8
FILES = (".java-version", ".sdkmanrc", "system.properties", ".tool-versions")
_KEYS = {
    ".sdkmanrc": re.compile(r"^\s*java\s*=\s*(\S+)", re.MULTILINE),
    "system.properties": re.compile(r"^\s*java\.runtime\.version\s*[=:]\s*(\S+)", re.MULTILINE),
    ".tool-versions": re.compile(r"^\s*java\s+(\S+)", re.MULTILINE),
}


def major(text: str) -> int | None:
    """`17`, `17.0.9-tem`, `1.8`, `temurin-21.0.1+12`, `[21,)`, `VERSION_1_8`: the major version, or None."""
    found = re.search(r"(?<![A-Za-z\d.])(?:1[._])?(\d{1,3})(?!\d)", text)
    if not found:
        return None
    number = int(found[1])
    return number if 1 < number <= 99 else None


def from_file(text: str, filename: str) -> int | None:
    """What a `.java-version` and its like say."""
    pattern = _KEYS.get(filename)
    if pattern is None:
        return major(text.strip().partition("\n")[0])
    found = pattern.search(text)
    return major(found[1]) if found else None
