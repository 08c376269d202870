"""Comments into commands: `/whaleray <verb> [argument]` at the start of a line, outside quotes, fences and HTML
comments. The help is derived from the command types, so that none can be added without its help."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

MAX_COMMANDS = 10
"""Commands of one comment that are looked at; a comment with more is a mistake or a joke."""

DEFAULT_LINES, MAX_LINES = 50, 500
"""Of a log in an answer."""
MAX_REASON = 200

REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-+#]{0,254}")


@dataclass(frozen=True)
class Command:
    """`usage` and `meaning` are the command's line of the help."""

    verb: ClassVar[str]
    usage: ClassVar[str]
    meaning: ClassVar[str]
    ordinal: int
    """Its place among the comment's commands, from 0."""

    @classmethod
    def taking(cls, ordinal: int, words: Sequence[str]) -> Self | None:
        """The command with its arguments; None when they don't fit. Most take none."""
        return None if words else cls(ordinal)


@dataclass(frozen=True)
class _Targeted(Command):
    target: str | None = None

    @classmethod
    def taking(cls, ordinal: int, words: Sequence[str]) -> Self | None:
        if len(words) > 1 or (words and not REF.fullmatch(words[0])):
            return None
        return cls(ordinal, target=words[0] if words else None)


@dataclass(frozen=True)
class Deploy(_Targeted):
    verb = "deploy"
    usage = "deploy [sha|branch]"
    meaning = "deploy the pull request's head, or the commit or branch you name"


@dataclass(frozen=True)
class Status(Command):
    verb = "status"
    usage = "status"
    meaning = "what is live, since when, and what is under way"


@dataclass(frozen=True)
class Logs(Command):
    verb = "logs"
    usage = "logs [n]"
    meaning = f"the last lines of the build's or the application's log, {DEFAULT_LINES} or as many as you name"
    lines: int = DEFAULT_LINES

    @classmethod
    def taking(cls, ordinal: int, words: Sequence[str]) -> Self | None:
        if not words:
            return cls(ordinal)
        if (
            len(words) > 1
            or not words[0].isascii()
            or not words[0].isdigit()
            or not 1 <= int(words[0][:9]) <= MAX_LINES
        ):
            return None
        return cls(ordinal, lines=int(words[0]))


@dataclass(frozen=True)
class Diagnose(Command):
    verb = "diagnose"
    usage = "diagnose"
    meaning = "look for the cause of the newest failure once more"


@dataclass(frozen=True)
class Rollback(_Targeted):
    verb = "rollback"
    usage = "rollback [deployment]"
    meaning = "bring back the version that ran before, or the deployment or commit you name, with no build"


@dataclass(frozen=True)
class Cancel(Command):
    verb = "cancel"
    usage = "cancel"
    meaning = "end the deployment that is under way; the live version keeps serving"


@dataclass(frozen=True)
class Restart(Command):
    verb = "restart"
    usage = "restart"
    meaning = "start the live version anew, with no failed request"


@dataclass(frozen=True)
class Stop(Command):
    verb = "stop"
    usage = "stop"
    meaning = "stop the service; pushes don't deploy until you start it or deploy"


@dataclass(frozen=True)
class Start(Command):
    verb = "start"
    usage = "start"
    meaning = "start the stopped service again"


@dataclass(frozen=True)
class Lock(Command):
    verb = "lock"
    usage = "lock [reason]"
    meaning = "keep everyone else's deployments out until you or a maintainer unlocks"
    reason: str = ""

    @classmethod
    def taking(cls, ordinal: int, words: Sequence[str]) -> Self | None:
        return cls(ordinal, reason=" ".join(words)[:MAX_REASON])


@dataclass(frozen=True)
class Unlock(Command):
    verb = "unlock"
    usage = "unlock"
    meaning = "let others deploy again"


@dataclass(frozen=True)
class Env(Command):
    verb = "env"
    usage = "env"
    meaning = "a link to set the application's secrets; it asks you to sign in and ends after ten minutes"


@dataclass(frozen=True)
class Help(Command):
    verb = "help"
    usage = "help"
    meaning = "this list"


@dataclass(frozen=True)
class Unknown(Command):
    """A line that was meant for WhaleRay and isn't a command of its."""

    verb = ""
    usage = ""
    meaning = ""
    word: str = ""
    nearest: str | None = None


@dataclass(frozen=True)
class BadArgument(Command):
    verb = ""
    usage = ""
    meaning = ""
    of: str = ""
    argument: str = ""
    expected: str = ""


KNOWN: tuple[type[Command], ...] = (
    Deploy,
    Status,
    Logs,
    Diagnose,
    Rollback,
    Cancel,
    Restart,
    Stop,
    Start,
    Lock,
    Unlock,
    Env,
    Help,
)
_BY_VERB = {kind.verb: kind for kind in KNOWN}
_LINE = re.compile(r"/whaleray(?:[ \t]+(?P<rest>.*))?$")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")


def help_lines() -> list[tuple[str, str]]:
    return [(f"/whaleray {kind.usage}", kind.meaning) for kind in KNOWN]


def parse(body: str) -> Sequence[Command]:
    """The commands of a comment, in order."""
    commands: list[Command] = []
    for line in _prose(body):
        if match := _LINE.match(line.rstrip()):
            commands.append(_command(len(commands), (match["rest"] or "").split()))
            if len(commands) == MAX_COMMANDS:
                break
    return commands


def _prose(body: str) -> Sequence[str]:
    """The lines outside code fences, quotes and HTML comments."""
    lines: list[str] = []
    fence = ""
    in_comment = False
    for line in body.splitlines():
        if in_comment:
            in_comment = "-->" not in line
            continue
        mark = _FENCE.match(line)
        if fence:
            if mark and mark["mark"].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if mark:
            fence = mark["mark"]
            continue
        if "<!--" in line:
            in_comment = "-->" not in line.split("<!--", 1)[1]
            continue
        lines.append(line)
    return lines


def _command(ordinal: int, words: Sequence[str]) -> Command:
    if not words:
        return Help(ordinal)
    word, arguments = words[0].lower(), words[1:]
    kind = _BY_VERB.get(word)
    if kind is None:
        near = difflib.get_close_matches(word, list(_BY_VERB), n=1, cutoff=0.6)
        return Unknown(ordinal, word=words[0][:40], nearest=near[0] if near else None)
    command = kind.taking(ordinal, arguments)
    return command or BadArgument(ordinal, of=word, argument=" ".join(arguments)[:80], expected=kind.usage)
