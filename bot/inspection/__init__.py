"""From a commit's tree to a `BuildPlan`: one listing (the caller's) and at most four files, never a clone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

from bot.inspection import config
from bot.inspection.config import ConfigError, Configuration
from bot.inspection.files import Files
from bot.inspection.plan import plan
from bot.model import BuildPlan
from bot.ports import Tree

__all__ = ["ConfigError", "Configuration", "configuration", "inspect"]

Read = Callable[[str], Awaitable[bytes]]
"""A file's bytes, by its path in the tree."""
T = TypeVar("T")


async def inspect(tree: Tree, read: Read) -> BuildPlan:
    """UserError, with what was looked for and what to add, when this commit can't be built."""
    return await _drive(plan(tree), read)


async def configuration(tree: Tree, read: Read) -> Configuration:
    """What `.whaleray.yml` says; all defaults when there is none. One read at most.

    ConfigError, with its path and line, when it is wrong.
    """
    return await _drive(config.read(Files(tree)), read)


async def _drive(decision: Generator[str, bytes, T], read: Read) -> T:
    try:
        path = next(decision)
        while True:
            path = decision.send(await read(path))
    except StopIteration as done:
        result: T = done.value
        return result
