"""Whether a regular expression stays fast on any line: at worst quadratic in a line, of which little is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPE = r"\\[pP]\{[^}]*\}|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
_TOKEN = re.compile(
    rf"(?P<atom>{_ESCAPE}|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){{}}*+?|^$])"
    r"|(?P<anchor>[\^$])|(?P<open>\((?:\?(?:P<\w+>|:|=|!|<=|<!|>|[aimsux]+(?:-[ims]+)?:))?)|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<quantifier>(?:[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})(?P<mode>[+?]?))",
    re.DOTALL,
)
_SAMPLE = "".join(map(chr, range(9, 127)))
_FREE = "more than one of its repeats may end in several places (an atomic group, `(?>.*?word)`, settles one)"
_LONG = 64
"""A repeat of more than that many counts as one without a bound."""


def objection(pattern: str) -> str:
    """Why `pattern` may take too long on some line, or "".

    Sound patterns repeat single characters, and each long repeat ends where the next character begins: `[^']+'`. One
    repeat per pattern may be free to end in several places, such as `.*`, besides those in atomic groups, which settle
    for the first; a repeat within a repeat may not be.
    """
    tokens = list(_TOKEN.finditer(pattern))
    if sum(len(token[0]) for token in tokens) != len(pattern):
        return "it holds syntax that can't be checked"
    groups = [_Group()]
    for at, token in enumerate(tokens):
        if token["open"]:
            groups.append(_Group(atomic=token[0] == "(?>"))
        elif token["bar"]:
            groups[-1].next_branch()
        elif token["close"] and len(groups) > 1:
            inside = groups.pop()
            inside.next_branch()
            if inside.most > 1:
                return _FREE
            if inside.long and at + 1 < len(tokens) and _is_long(tokens[at + 1]):
                return "it repeats a group that holds a repeat"
            groups[-1].long |= inside.long
            groups[-1].free += 0 if inside.atomic else inside.most
        elif _is_long(token) and tokens[at - 1]["atom"]:
            groups[-1].long = True
            if token["mode"] != "+" and not _ends_itself(tokens, at):
                groups[-1].free += 1
    groups[-1].next_branch()
    return _FREE if groups[-1].most > 1 else ""


@dataclass
class _Group:
    """Of a group that is still open: whether it holds a long repeat, and how many that may end in several places, in
    this branch and at most in one of those before."""

    atomic: bool = False
    long: bool = False
    free: int = 0
    most: int = 0

    def next_branch(self) -> None:
        self.most, self.free = max(self.most, self.free), 0


def _is_long(token: re.Match[str]) -> bool:
    if not token["quantifier"]:
        return False
    if token["quantifier"][0] in "*+":
        return True
    if token["quantifier"][0] == "?":
        return False
    most = token["most"] if token["comma"] else token["least"]
    return not most or int(most) > _LONG


def _ends_itself(tokens: list[re.Match[str]], at: int) -> bool:
    """Whether what follows the repeat at `at` can't be taken for one more of it; the end of the pattern can't."""
    following = [token for token in tokens[at + 1 :] if not token["open"] and not token["close"]]
    if not following:
        return True
    after = following[0]
    if after["anchor"]:
        return True
    if not after["atom"] or tokens[at + 1]["bar"]:
        return False
    optional = len(following) > 1 and following[1]["quantifier"] and (following[1]["quantifier"][0] in "*?")
    if optional:
        return False
    repeated, next_one = re.compile(tokens[at - 1][0]), re.compile(after[0])
    return not any(repeated.fullmatch(c) and next_one.fullmatch(c) for c in _SAMPLE)
