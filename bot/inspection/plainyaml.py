"""YAML from strangers: plain mappings, lists and strings, never an object, an alias or a depth that hurts.

Every scalar stays the string that was written (`1.10` is no number, `no` is no false): who uses it gives it a type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

MAX_DEPTH = 20
MAX_NODES = 20_000


class YamlError(Exception):
    """Not read; `line` is 1-based."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


@dataclass(frozen=True)
class Node:
    """A value and the line it begins on, 1-based. `value`: a mapping's pairs, a list, a string, or None for nothing."""

    value: dict[str, Node] | list[Node] | str | None
    line: int


def documents(text: str) -> Iterator[Node]:
    """YamlError as soon as something is wrong, which may be after good documents."""
    try:
        _check(text)
        for document in yaml.compose_all(text, Loader=yaml.BaseLoader):
            yield _node(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(error.problem or error.context or "It is not YAML", mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise YamlError("It holds a character that YAML doesn't allow", 1) from error


def _check(text: str) -> None:
    """By its events, which need no recursion and no memory: before anything is built of it."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlError("Aliases (`*name`) are not read here: write the value out", line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlError(f"It is nested more than {MAX_DEPTH} deep", line)
        if number > MAX_NODES:
            raise YamlError("It is too long", line)


def _node(node: yaml.Node) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        pairs: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError("A key has to be plain text", key.start_mark.line + 1)
            if key.value in pairs:
                raise YamlError("This key is there twice", key.start_mark.line + 1)
            below = _node(value)
            pairs[key.value] = Node(below.value, key.start_mark.line + 1) if _scalar(value) else below
        return Node(pairs, line)
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(each) for each in node.value], line)
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in ("", "~", "null", "Null", "NULL"):
        return Node(None, line)
    return Node(str(node.value), line)


def _scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)


def plain(node: Node) -> object:
    """Without lines, for pydantic; keys with nothing behind them are left out."""
    match node.value:
        case dict() as pairs:
            return {key: plain(value) for key, value in pairs.items() if value.value is not None}
        case list() as items:
            return [plain(item) for item in items]
        case scalar:
            return scalar


def line_of(node: Node, path: tuple[int | str, ...]) -> int:
    """Where the deepest part of `path` that is there begins."""
    for step in path:
        match node.value:
            case dict() as pairs if step in pairs:
                node = pairs[str(step)]
            case list() as items if isinstance(step, int) and 0 <= step < len(items):
                node = items[step]
            case _:
                break
    return node.line
