"""An analyst's answer held against the log: what it quotes must stand there, what it names must exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.model import Diagnosis, Evidence, Finding
from bot.ports import Extract


def validate(diagnosis: Diagnosis, extract: Extract, files: Sequence[str]) -> Diagnosis:
    """`diagnosis` with only such evidence as the extract holds, and only such files as the repository has.

    An issue that loses a quote is marked `verified=False`; when no issue keeps one the confidence is low. A diagnosis
    without issues is `unrecognised`: there is nothing in it that a reader could check.
    """
    lines = dict(extract.lines)
    issues = tuple(_issue(issue, lines, files) for issue in diagnosis.issues)
    if diagnosis.status == "unrecognised" or not issues:
        return diagnosis.model_copy(update={"status": "unrecognised", "issues": (), "confidence": "low"})
    rests = any(issue.evidence for issue in issues)
    return diagnosis.model_copy(update={"issues": issues, "confidence": diagnosis.confidence if rests else "low"})


def _issue(issue: Finding, lines: Mapping[int, str], files: Sequence[str]) -> Finding:
    kept = [found for evidence in issue.evidence if (found := _find(evidence, lines))]
    file = _file(issue.file, files)
    return issue.model_copy(
        update={
            "evidence": tuple(kept),
            "verified": bool(kept) and len(kept) == len(issue.evidence),
            "file": file,
            "line": issue.line if file else None,
            "column": issue.column if file else None,
        }
    )


def _find(evidence: Evidence, lines: Mapping[int, str]) -> Evidence | None:
    """The evidence on the line where it stands: the one it names, else the nearest that holds the quote."""
    quote = _squeeze(evidence.quote)
    if not quote:
        return None
    for number in sorted(lines, key=lambda number: abs(number - evidence.line)):
        if quote in _squeeze(lines[number]):
            return Evidence(line=number, quote=evidence.quote.strip())
    return None


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _file(named: str | None, files: Sequence[str]) -> str | None:
    """The repository's path that `named` (often the build machine's own path) means, if exactly one does."""
    if not named:
        return None
    named = named.replace("\\", "/").removeprefix("./")
    if named in files:
        return named
    ends = [path for path in files if named.endswith("/" + path) or path.endswith("/" + named.lstrip("/"))]
    return ends[0] if len(ends) == 1 else None
