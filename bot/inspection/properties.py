"""What `application.properties` or `application.yml` says: one flat mapping of canonical keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.inspection.plainyaml import Node, YamlError, documents

Settings = Mapping[str, str]
"""Canonical key -> value as written. Canonical: lower case without `-` and `_`, as Spring's relaxed binding has it."""

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_FILTERED = re.compile(r"@[\w.-]+@")
_LONGEST = 500


def canonical(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")


def parse(text: str, path: str) -> Settings:
    """The unconditional settings, without those for a profile or a platform. ValueError when it can't be read."""
    found: dict[str, str] = {}
    for document in _yaml(text) if path.endswith((".yml", ".yaml")) else _properties(text):
        if not _conditional(document):
            found |= document
    return found


def _conditional(document: Settings) -> bool:
    return any(
        key == "spring.profiles" or key.startswith(("spring.profiles[", "spring.config.activate.")) for key in document
    )


def _yaml(text: str) -> Iterator[dict[str, str]]:
    try:
        # `@project.version@` is Maven's to replace, and no YAML before it has been.
        for node in documents(_FILTERED.sub("filtered", text)):
            yield dict(_flat(node, ""))
    except YamlError as error:
        raise ValueError(f"{error.why} (line {error.line})") from error


def _flat(node: Node, prefix: str) -> Iterator[tuple[str, str]]:
    match node.value:
        case dict() as pairs:
            for key, value in pairs.items():
                yield from _flat(value, f"{prefix}.{key}" if prefix else key)
        case list() as items:
            for number, item in enumerate(items):
                yield from _flat(item, f"{prefix}[{number}]")
        case str() as text:
            yield canonical(prefix), text
        case None:
            pass


def pairs(text: str) -> dict[str, str]:
    """A plain `.properties` file, its keys as written."""
    return dict(_pair(line) for line in _logical_lines(text) if line and line[0] not in "#!")


def _properties(text: str) -> Iterator[dict[str, str]]:
    document: dict[str, str] = {}
    for line in _logical_lines(text):
        if line in ("#---", "!---"):
            yield document
            document = {}
        elif line and line[0] not in "#!":
            key, value = _pair(line)
            document[canonical(key)] = value
    yield document


def _logical_lines(text: str) -> Iterator[str]:
    """A line that ends in an odd number of backslashes goes on in the next one."""
    held = ""
    for raw in re.split(r"\r\n|\r|\n", text):
        line = raw.lstrip(" \t\f")
        if not held and line[:1] in ("#", "!"):
            yield line.rstrip()
            continue
        backslashes = len(line) - len(line.rstrip("\\"))
        if backslashes % 2:
            held += line[:-1]
            continue
        yield held + line
        held = ""
    yield held


def _pair(line: str) -> tuple[str, str]:
    """At the first `=`, `:` or white space that isn't escaped."""
    position = 0
    while position < len(line) and line[position] not in "=: \t\f":
        position += 2 if line[position] == "\\" else 1
    key, rest = line[:position], line[position:].lstrip(" \t\f")
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(" \t\f")
    return _unescape(key), _unescape(rest)


def _unescape(text: str) -> str:
    def replaced(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", replaced, text, flags=re.DOTALL)


def value(settings: Settings, *keys: str) -> str:
    """The first of these keys that is set, its placeholders resolved; "" when none is."""
    return next((resolve(settings[c], settings) for key in keys if (c := canonical(key)) in settings), "")


def resolve(text: str, settings: Settings, depth: int = 10) -> str:
    """`${NAME:default}`: what the file says of NAME, else the default, else nothing."""
    while depth and (begin := text.rfind("${")) >= 0 and (end := text.find("}", begin)) >= 0:
        depth -= 1
        name, _, default = text[begin + 2 : end].partition(":")
        text = (text[:begin] + settings.get(canonical(name), default) + text[end + 1 :])[:_LONGEST]
    return text.strip()
