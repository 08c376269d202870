"""The marks by which build, test and run-time tools of many ecosystems say that something broke, or that all is well.

A mark is tried only on lines that hold one of its clues: a whole word in lower case, the end of a camel-case name, or
the line's first character. That keeps a line that says nothing cheap. What a mark is worth stands in `weights`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

LOOKED_AT = 400
"""Characters of a line in which marks are looked for."""


@dataclass(frozen=True)
class Mark:
    name: str
    words: tuple[str, ...]
    """Each is enough alone."""
    clues: tuple[str, ...] = ()
    """Words, or single characters with which the stripped line begins, upon which the pattern is tried."""
    pattern: re.Pattern[str] | None = None
    folded: bool = False
    """The pattern is in lower case and searched in the lower-cased line, which is faster than ignoring case."""


def _mark(name: str, clues: str, pattern: str | None = None, words: str = "") -> Mark:
    """Without a pattern the clues are words that are enough."""
    if pattern is None:
        return Mark(name, tuple(clues.split()))
    folded = pattern.startswith("(?i)")
    return Mark(name, tuple(words.split()), tuple(clues.split()), re.compile(pattern.removeprefix("(?i)")), folded)


_ERRORS = "error errors err"
_FAILS = "fail failed fails failing failure failures"

MARKS = (
    # Statements of an error, by their shape
    _mark(
        "compiler",
        _ERRORS + " e",
        r":\d+(?:[:,.]\d+)?:?\)?:? *(?:fatal |syntax |parse )?error\b|\(\d+(?:,\d+)?\): (?:fatal )?error|"
        r"\b[Ee]rror(?:\[\w+\]| [A-Z]{1,4}\d{2,5})\s*:|^\[ERROR\] .*\[\d+,\d+\]|^e: ",
    ),
    _mark(
        "error line",
        _ERRORS + " fatal severe failure critical panic",
        r"^\W{0,6}(?i:error|fatal|severe|err|failure|critical|panic)\b[\]!]?(?:[ :]|$)|"
        r"^[A-Za-z][\w.-]{0,30}(?:\(\d+\)|\[\d+\])?: (?:fatal |internal )?error[: ]",
    ),
    _mark("error shouted", _ERRORS + " fatal severe", r"\b(?:ERROR|FATAL|SEVERE|ERR!)"),
    _mark("error word", _ERRORS),
    _mark(
        "banged",
        f"{_ERRORS} {_FAILS} ! *",
        r"\bERR(?:OR)?!|<<< (?:ERROR|FAILURE)!|\*\*\* (?:FAILED|\[)|\[FAIL(?:ED|URE)?\]|^\s*(?:!!|\*\* \()",
    ),
    _mark(
        "crash",
        "panic panicked abort aborted aborting segmentation segfault sigsegv sigabrt sigkill sigbus "
        "dumped killed oomkilled heap "
        "outofmemoryerror addresssanitizer stackoverflowerror",
    ),
    _mark("exception", "exception error failure", r"\b[A-Za-z][\w.$:]*(?:Exception|Error|Failure)\b(?: ?[:(\[]|$)"),
    _mark(
        "exception line",
        "exception error failure",
        r"^\s*(?:[\w$]+[.:]+)*[A-Z]\w*(?:Exception|Error|Failure)\b ?(?:[:\[(]|$)",
    ),
    _mark(
        "trace begins",
        "traceback backtrace unhandled uncaught stacktrace stack throw thrown throws throwing raise "
        "raised caught exception",
        r"(?i)traceback|backtrace:|\bunhandled|\buncaught|stack ?trace|\bthr[oe]w(?:n|s|ing)?\b|"
        r"\braised?\b|caught exception|exception in",
    ),
    _mark("caused by", "caused suppressed reason cause", r"^\s*(?:Caused by|Suppressed|Reason|Cause)\b ?:"),
    _mark(
        "frame",
        "at in from file more common function goroutine #",
        r"^\s*at [\w<$.\[]+[\w.$<>/:, -]*[(,:]|^\s+at \S|^\s*File \"[^\"]+\", line \d|^\s+from \S+:\d+|"
        r"^\s*#\d+ +(?:0x|\S+\()|"
        r"^\s*\S+:\d+:in [`']|^goroutine \d|^\s*\.\.\. \d+ (?:more|common)|"
        r"^\s*\[?[\w\" :./-]{1,80}\]?:(?:\d+:)? in (?:function|main|method|field|upvalue|local|<)",
    ),
    # Tests
    _mark(
        "test failed",
        f"{_FAILS} dubious not ✗ ✖ × ❌ ✘",
        r"(?:^|[\s\]*>])FAIL(?:ED|URE|S)?\b|^\s*not ok\b|^\s*--- FAIL|^\W*[✗✖×❌✘]|\bDubious\b|"
        r"^\s*fail: ",
    ),
    _mark("listed", "1 2 3 4 5 6 7 8 9 [", r"^\s*(?:\d{1,3}\)|\[-\]) "),
    _mark(
        "count",
        f"{_ERRORS} {_FAILS} problems problem offenses offense broken",
        r"(?i)\b[1-9]\d* (?:\w+ )?(?:failed|failing|failures?|errors?|problems?|offenses?|broken)\b|"
        r"\b(?:failed|failures?|errors?)[:=] ?[1-9]|\bfailed \d+/\d+",
    ),
    _mark(
        "count of none",
        f"{_ERRORS} {_FAILS} problems offenses warnings",
        r"(?i)\b(?:0|no) (?:\w+ )?(?:failed|failing|failures?|errors?|problems?|offenses?|warnings?)\b|"
        r"\b(?:failed|failures?|errors?|err)[:=] *0\b",
    ),
    _mark(
        "expected and actual",
        "expected actual got received want wanted found left right but required",
        r"(?i)^\W*(?:expected|actual|got|received|wanted?|found|left|right|but was|required)\b *[:=]",
    ),
    _mark("expectation", "expected expecting expects expect instead equal equals should"),
    _mark("assertion", "assert assertion assertionerror asserting asserts assertions"),
    # What went wrong, in words
    _mark(
        "could not",
        "can could couldn unable failed failure won did didn does doesn is isn are aren has have was not",
        r"(?i)\b(?:can't|can ?not|could ?n[o']t|unable to|failed to|failure to|won't|did ?n[o']t|does ?n[o']t|"
        r"is ?n[o']t|are ?n[o']t|has no|have no|was not|not (?:be|been|allowed|permitted|supported|installed|"
        r"available|recognized|valid|match|equal|in))\b",
        words="cannot refused refusing refuses",
    ),
    _mark(
        "missing",
        "no not never cannot exist found",
        r"(?i)\bno (?:such|matching|version|rule to|module|suitable)\b|\bnot (?:found|in scope|exist)|n't exist|"
        r"(?:not|never) (?:defined|provided|declared)|cannot find",
        words="undefined undeclared unresolved unknown unrecognized missing unavailable",
    ),
    _mark(
        "invalid",
        "invalid illegal malformed unexpected mismatch mismatched incompatible unsupported ambiguous "
        "duplicate duplicated conflict "
        "conflicts conflicting wrong bad corrupt corrupted broken redeclared violation violates "
        "violated inconsistent differ differs "
        "exceeded exceeds unused unterminated uncommitted overflow",
    ),
    _mark("failed word", _FAILS),
    _mark("failed line", _FAILS, r"(?i)^\W{0,4}(?:\w+ ){0,3}failed\b|\bfailed\W{0,3}$|\bfailed:"),
    _mark(
        "timed out",
        "timeout timeouts timed times deadline",
        r"(?i)\btim(?:ed|es|ing) ?-?out\b|\btimeouts?\b|deadline exceeded",
    ),
    _mark(
        "network",
        "connection resolve connect certificate ssl tls http forbidden unauthorized 404 403 401 500 502 "
        "503 504 response refused",
        r"(?i)connection (?:refused|reset|error|timed|closed)|could not (?:resolve|connect)|\b(?:4\d\d|"
        r"50\d)\b|certificate|\bssl\b|"
        r"http error|error response",
    ),
    _mark(
        "denied",
        "denied forbidden permitted unauthorized authentication",
        r"(?i)denied|not permitted|unauthorized|forbidden|authentication",
    ),
    _mark(
        "exit code",
        "exit exited exits exiting returned status code",
        r"(?i)\b(?:exit(?:ed|s|ing)?|returned|status|code)\b.{0,30}\b(?!0\b)\d{1,3}\b",
    ),
    _mark("make", "make gmake ninja", r"^(?:\w*make|ninja)(?:\[\d+\])?: \*\*\*"),
    _mark("npm", "err npm elifecycle command", r"^(?:npm|yarn|pnpm|lerna)? ?ERR!|^error Command failed|ELIFECYCLE"),
    # Around a statement
    _mark("caret", "^ ~ | [ -", r"^[\s\[\]\w|.]{0,20}[-~\s|]*\^[\^~\-\s]*$"),
    _mark("gutter", "| - = 1 2 3 4 5 6 7 8 9", r"^\s*\d+ +\||^\s*\|(?:\s|$)|^\s*-->|^\s*= (?:note|help)"),
    _mark("diff", "+ - @ d", r"^(?:[+-](?![+ -])|@@|diff --|---|\+\+\+)"),
    _mark(
        "header",
        "failures failure failed failing errors error issues issue problems problem offenses wrong description stack "
        "traceback captured there result results",
        r"(?i)^\W*(?:failures?|errors?|failed tests?|failing tests?|issues?|problems?|offenses|"
        r"what went wrong|description|stack trace|"
        r"traceback|captured \w+|test failures?|there (?:was|were) \d+|results?)\b.{0,24}:?\W*$|"
        r"compilation error|build fail|"
        r"application failed|test fail",
    ),
    _mark("box", "_ = * # -", r"^[_=*#-]{3,} .{1,80} [_=*#-]{3,}$"),
    _mark(
        "advice",
        "run rerun see for try use to please you check make note help hint if consider",
        r"(?i)^\W*(?:run with|re-?run|see |for more|try |use |to (?:see|run|re-?enable|get|fix)|please|"
        r"you (?:can|may|should)|check |make sure|this is|if you|consider|note:|help:|hint)",
    ),
    # All is well
    _mark("warning", "warn warning warnings"),
    _mark("deprecated", "deprecated deprecation deprecate"),
    _mark(
        "work",
        "downloading downloaded download fetching fetched get getting unpacking setting installing "
        "preparing selecting reading progress "
        "receiving resolving remote collecting extracting compiling copying uploading linking building "
        "checking processing updating cached "
        "requirement inflating creating adding generating loading hit ign using",
        r"(?i)^\W*(?:(?:download|fetch|gett|unpack|install|prepar|select|read|receiv|resolv|collect|"
        r"extract|compil|copy|upload|link|build|"
        r"check|process|updat|inflat|creat|add|generat|load|us)(?:ing|ed)|get|setting up|progress|remote|"
        r"cached|requirement already|ign|hit)\b",
    ),
    _mark(
        "level",
        "info debug trace notice verbose",
        r"(?i)(?:^|[\s\[|])(?:info|debug|trace|notice|verbose)\b[\]: |]",
    ),
    _mark("passed", "ok pass passed passes passing success successful successfully succeeded uptodate ✓ ✔ ."),
    _mark("set-up", "export git", r"\bexport\b|\bgit (?:clone|fetch|checkout)"),
    _mark("retry", "retry retrying retried attempt"),
    _mark("skipped", "skip skipped skipping ignored ignoring ignore todo xfail"),
    _mark(
        "test total",
        "tests test examples specs assertions passing",
        r"(?i)\btests?(?: run)?: ?\d|\d+ (?:tests?|examples?|specs?|assertions?)\b|\d+ passing",
    ),
    _mark("command", "$ + >", r"^(?:\$ |\+ ?\S|> )"),
    _mark(
        "ci",
        "travis_fold travis_time done the #",
        r"^travis_(?:fold|time)|^Done\. Your build|^##\[|^The command ",
    ),
)

_HALF = len(MARKS)
_TRY: dict[str, int] = {}
"""Clue -> the marks to be tried; in the bits above `_HALF` the marks that it is enough for."""
for _bit, _each in enumerate(MARKS):
    for _clue in _each.clues:
        _TRY[_clue] = _TRY.get(_clue, 0) | 1 << _bit
    for _word in _each.words:
        _TRY[_word] = _TRY.get(_word, 0) | 1 << _bit + _HALF

_LETTERS = {code: chr(code) if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128)}
_SUFFIXES = ("exception", "error", "failure")
_LOWER_HALF = (1 << _HALF) - 1


@lru_cache(maxsize=4096)
def _tries(bits: int) -> tuple[tuple[int, bool, Callable[[str], object]], ...]:
    """The same few words come together again and again, so what they lead to is remembered."""
    return tuple(
        (1 << bit, mark.folded, mark.pattern.search)
        for bit, mark in enumerate(MARKS)
        if mark.pattern is not None and bits >> bit & 1
    )


def marks(line: str) -> int:
    """The marks that `line` bears, bit n for `MARKS[n]`."""
    low = line[:LOOKED_AT].lower()
    stripped = low.lstrip()
    if not stripped:
        return 0
    clue = _TRY.get
    tried = clue(stripped[0], 0)
    for word in low.translate(_LETTERS).split():
        tried |= clue(word, 0)
    for suffix in _SUFFIXES:
        if suffix in low:
            tried |= _TRY[suffix]
    found = tried >> _HALF
    tried &= _LOWER_HALF & ~found
    if tried:
        line = line[:LOOKED_AT]
        for bit, folded, search in _tries(tried):
            if search(low if folded else line):
                found |= bit
    return found
