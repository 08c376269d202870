"""The analyst that knows failures by their words: no network, the same answer each time, silent on all others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from anyio.to_thread import run_sync

from bot.diagnosis.known import Nearby, Rule, known_failures
from bot.diagnosis.places import class_in, path_in
from bot.diagnosis.wording import wording
from bot.model import Diagnosis, Evidence, Finding
from bot.ports import Extract

MOST = 10
"""Findings of one diagnosis: who has mended these runs the build again."""
LONGEST = 2000
"""Characters of a line that are looked at."""
_VALUE = 160
"""Characters of a captured value that are shown."""
_EVIDENCE = 4

_PREFIX = re.compile(
    r"\s*+(?:\[(?:ERROR|FATAL|WARNING|WARN|INFO|javac|kapt)\] *+)*+"
    r"(?:(?:ERROR|FATAL|WARN|INFO) +\d+ --- \[[^\]]{0,60}\] (?:\[[^\]]{0,60}\] )?\S{1,60} *: )?"
    r"(?:Caused by: |Exception in thread \"[^\"]{0,60}\" |(?:> )?(?:> )?)"
)


def bare(line: str) -> str:
    """`line` without what Maven, Gradle, Spring Boot's logger or a stack trace put before a message."""
    match = _PREFIX.match(line)
    return line[match.end() if match else 0 :].rstrip()


@dataclass(frozen=True)
class Line:
    """A line of the extract: its 1-based number in the log, its text, and the message in it."""

    number: int
    text: str
    message: str

    @property
    def evidence(self) -> Evidence:
        return Evidence(line=self.number, quote=self.text)


@dataclass(frozen=True)
class Match:
    """A rule that recognised lines, with what its patterns captured."""

    rule: Rule
    lines: tuple[Evidence, ...]
    values: dict[str, str]


class RulesAnalyst:
    """Implements `bot.ports.Analyst` with the failures of `known_failures.yaml`.

    A wrong cause is worse than none: what no rule knows is `unrecognised`, with no issues and no advice.
    """

    budget_tokens = None

    async def diagnose(self, extract: Extract, files: Sequence[str]) -> Diagnosis:
        return await run_sync(diagnose, extract, files)


def diagnose(extract: Extract, files: Sequence[str]) -> Diagnosis:
    lines = [Line(number, text, bare(text[:LONGEST])) for number, text in extract.lines]
    found = _causes([match for rule in known_failures() for match in matches(rule, lines)])
    if not found:
        return Diagnosis(status="unrecognised", log_lines=extract.total)
    issues = _merged(found, files)
    return Diagnosis(
        status="diagnosed",
        summary=issues[0].cause,
        issues=issues[:MOST],
        confidence=found[0].rule.confidence,
        by=f"rule {found[0].rule.name}",
        log_lines=extract.total,
    )


def matches(rule: Rule, lines: Sequence[Line]) -> Iterator[Match]:
    """Every place where `rule` recognises lines, in the order of the log."""
    for at, line in enumerate(lines):
        head = next((match for pattern in rule.match if (match := pattern.match(line.message))), None)
        if head is None:
            continue
        evidence = [line.evidence]
        values = _captured(head)
        for nearby in rule.near:
            beside = _beside(nearby, lines, at)
            if beside:
                evidence.append(beside[0])
                values |= _captured(beside[1])
            elif not nearby.optional:
                break
        else:
            yield Match(rule, tuple(evidence), dict.fromkeys(rule.groups, "") | values)


def _beside(nearby: Nearby, lines: Sequence[Line], at: int) -> tuple[Evidence, re.Match[str]] | None:
    reach = nearby.after + nearby.before
    others = lines[at + 1 : at + 1 + reach] if nearby.after else lines[max(0, at - reach) : at][::-1]
    for other in others:
        if abs(other.number - lines[at].number) > reach:
            return None
        if match := nearby.match.match(other.message):
            return other.evidence, match
    return None


def _captured(match: re.Match[str]) -> dict[str, str]:
    """What took part, fit to stand in a code span; a path stays whole, or it would name no file."""
    return {
        name: value if name == "file" else value[:_VALUE].replace("`", "'").strip()
        for name, value in match.groupdict().items()
        if value is not None
    }


def _causes(found: list[Match]) -> list[Match]:
    """Without consequences, first come first."""
    kept = [match for match in found if not any(_explains(other, match) for other in found)]
    strong = [match for match in kept if not match.rule.weak]
    return sorted(strong or kept, key=lambda match: match.lines[0].line)


def _explains(cause: Match, match: Match) -> bool:
    """A failure at a place in a source file explains others in that file only."""
    here, there = cause.values.get("file"), match.values.get("file")
    near = not here or not there or here == there
    named = any(fnmatchcase(match.rule.name, pattern) for pattern in cause.rule.explains)
    return near and named and match.rule.name != cause.rule.name


def _merged(found: Sequence[Match], files: Sequence[str]) -> tuple[Finding, ...]:
    """One finding for each title and place: tools tell a failure twice, and not always with its place."""
    issues: list[tuple[tuple[str | None, ...], Finding]] = []
    for match in found:
        finding = _finding(match, files)
        place = tuple(match.values.get(name) or None for name in ("file", "line", "column"))
        at = next(
            (
                at
                for at, (there, other) in enumerate(issues)
                if other.title == finding.title and (there == place or not any(there) or not any(place))
            ),
            None,
        )
        if at is None:
            issues.append((place, finding))
            continue
        there, before = issues[at]
        evidence = {each.line: each for each in (*before.evidence, *finding.evidence)}
        better = finding if (finding.file and not before.file) or (any(place) and not any(there)) else before
        issues[at] = (
            place if better is finding else there,
            better.model_copy(update={"evidence": tuple(evidence.values())[:_EVIDENCE]}),
        )
    return tuple(finding for _, finding in issues)


def _finding(match: Match, files: Sequence[str]) -> Finding:
    rule = match.rule
    values = {"file": "", "line": "", "column": ""} | match.values
    name = rule.render(rule.type, values)
    path = rule.render(rule.file, values)
    file = class_in(name, files) if name else path_in(path, files)
    line = int(values["line"]) if file and values["line"] else None
    said, values = wording(rule), values | {"file": file or path}
    return Finding(
        severity=rule.severity,
        title=rule.render(said.title, values),
        cause=rule.render(said.cause, values),
        fix=rule.render(said.fix, values),
        file=file,
        line=line,
        column=int(values["column"]) if line and values["column"] else None,
        evidence=match.lines,
    )
