"""What a repository's own Dockerfile says that a plan needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PREBUILT = re.compile(
    r"(?:^|[\s\"'=/])(?:target|build/libs)/\S{0,200}\.[jw]ar|(?:^|[\s\"'=/])(?:target|build/libs)/\*"
)
_VARIABLE = re.compile(r"\$\{?(\w+)(?::-([^}]*))?\}?")


@dataclass(frozen=True)
class OwnDockerfile:
    ports: tuple[int, ...]
    """TCP ports that the last stage exposes, in order."""
    wants_prebuilt: bool
    """It copies a jar that only a build before it would have made, and runs no build."""


def parse(text: str) -> OwnDockerfile:
    ports: list[int] = []
    variables: dict[str, str] = {}
    stages, copies_jar, builds = 0, False, False
    for instruction, rest in _instructions(text):
        match instruction:
            case "FROM":
                stages += 1
                ports = []
            case "ARG" | "ENV":
                variables |= {f[1]: f[2].strip("\"'") for f in re.finditer(r"(?<!\w)(\w+)=(\S+)", rest)}
            case "EXPOSE":
                ports += list(_ports(_replaced(rest, variables)))
            case "COPY" | "ADD" if not re.search(r"--from=", rest):
                copies_jar |= bool(_PREBUILT.search(_replaced(rest, variables)))
            case "RUN":
                builds |= bool(re.search(r"\b(?:mvnw?|gradlew?)\b", rest))
    return OwnDockerfile(ports=tuple(dict.fromkeys(ports)), wants_prebuilt=copies_jar and not builds)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"[\\`][ \t]*\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        yield word.upper(), rest.strip()


def _replaced(text: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables.get(found[1], found[2] or ""), text)


def _ports(text: str) -> Iterator[int]:
    for word in text.split():
        number, _, protocol = word.partition("/")
        if number.isascii() and number.isdigit() and protocol in ("", "tcp") and 0 < int(number[:6]) < 65536:
            yield int(number)
