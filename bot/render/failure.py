"""A failure in the order people act: the cause, where it is, the mend, then the evidence."""

from __future__ import annotations

from pathlib import PurePosixPath

from bot.model import Diagnosis, Evidence, Finding
from bot.ports import Annotation
from bot.render import escape, limits, phrases
from bot.render.escape import Markdown
from bot.render.scene import Scene
from bot.render.words import plain, words

FINDINGS = 3
"""Findings that are told in full; the rest are annotations."""
RECOMMENDATIONS = 5
EVIDENCE_LINES = 30
EVIDENCE_BYTES = 12_000
ANNOTATIONS = 100
"""Two requests' worth; a compiler that reports more repeats itself."""
_TITLE = 255
"""GitHub's limit for an annotation's title."""
_MESSAGE = 4_000

_LANGUAGES = {
    ".java": "java",
    ".kt": "kotlin",
    ".kts": "kotlin",
    ".gradle": "groovy",
    ".groovy": "groovy",
    ".xml": "xml",
    ".yml": "yaml",
    ".yaml": "yaml",
    ".properties": "properties",
}


def failure(scene: Scene) -> Markdown:
    """What broke, what stays up, and what to do now."""
    deployment, diagnosis = scene.deployment, scene.deployment.diagnosis
    said = deployment.failure
    findings = diagnosis.issues if diagnosis is not None and diagnosis.status == "diagnosed" else ()
    return words(
        "failure/whole",
        headline=_headline(scene, findings),
        standing=words(
            "failure/standing",
            worked=phrases.worked_stage(deployment).value,
            live=scene.other_live,
            url=scene.service_url,
        ),
        findings=[_finding(scene, finding, first=i == 0) for i, finding in enumerate(findings[:FINDINGS])],
        more=max(len(findings) - FINDINGS, 0),
        why=said.why if said is not None and not findings else "",
        mend=said.mend if said is not None and not findings else "",
        recommendations=diagnosis.recommendations[:RECOMMENDATIONS] if findings and diagnosis else (),
        closest=_closest(scene, diagnosis) if diagnosis is not None and not findings else "",
        evidence=_evidence(scene, diagnosis, findings) if diagnosis is not None else "",
        footer=_footer(scene, diagnosis),
    )


def annotate(scene: Scene) -> tuple[Annotation, ...]:
    """The findings that name a line of a file of the repository."""
    said, diagnosis = scene.deployment.failure, scene.deployment.diagnosis
    if said is not None and said.path and said.line and _in_repository(said.path):
        return (
            Annotation(
                path=escape.line(said.path),
                line=said.line,
                level="failure",
                title=escape.line(said.what.replace("`", ""), _TITLE),
                message=plain("failure/said", failure=said)[:_MESSAGE],
            ),
        )
    if diagnosis is None:
        return ()
    return tuple(
        Annotation(
            path=escape.line(finding.file),
            line=max(finding.line, 1),
            level="failure" if finding.severity == "error" else "warning",
            title=escape.line(finding.title.replace("`", ""), _TITLE),
            message=plain("failure/annotation", finding=finding)[:_MESSAGE],
        )
        for finding in diagnosis.issues
        if finding.file is not None and finding.line is not None and _in_repository(finding.file)
    )[:ANNOTATIONS]


def _in_repository(path: str) -> bool:
    """A path as Git keeps them: relative, and inside."""
    return bool(path) and not path.startswith(("/", "\\")) and ":" not in path and ".." not in PurePosixPath(path).parts


def _headline(scene: Scene, findings: tuple[Finding, ...]) -> Markdown:
    """The cause in one sentence: the diagnosis's own where there is one."""
    deployment = scene.deployment
    said = ""
    if findings and deployment.diagnosis is not None:
        said = deployment.diagnosis.summary or findings[0].title
    elif deployment.failure is not None:
        said = deployment.failure.what
    return escape.prose(_sentence(said), 400)


def _sentence(said: str) -> str:
    said = said.strip()
    return said if not said or said[-1] in ".?!…" else said + "."


def _finding(scene: Scene, finding: Finding, *, first: bool) -> Markdown:
    deployment, diagnosis = scene.deployment, scene.deployment.diagnosis
    said = diagnosis.summary if first and diagnosis is not None else ""  # the headline
    path = finding.file if finding.file and _in_repository(finding.file) else ""
    place = f"{path}:{finding.line}" if path and finding.line else path
    source = finding.code
    title = "" if first else finding.title  # the headline has just said it
    return words(
        "failure/finding",
        title=title,
        finding=finding,
        place=place,
        at_url=escape.permalink(scene.repository.html_url, deployment.sha, path, finding.line) if path else "",
        short_sha=deployment.short_sha,
        code=escape.fence(source[: limits.LINE_CHARACTERS], _LANGUAGES.get(PurePosixPath(path).suffix, ""))
        if source
        else "",
        detail=finding.cause if finding.cause not in (title, finding.fix, said) else "",
    )


def _evidence(scene: Scene, diagnosis: Diagnosis, findings: tuple[Finding, ...]) -> Markdown | str:
    quoted = {e.line: e for finding in findings for e in finding.evidence}
    lines = tuple(quoted[number] for number in sorted(quoted))[:EVIDENCE_LINES]
    if not lines:
        return ""
    if not scene.may_show_log:
        return _private(scene)
    return words(
        "failure/evidence",
        shown=len(lines),
        total=max(diagnosis.log_lines, len(lines)),
        body=_numbered(lines),
    )


def _closest(scene: Scene, diagnosis: Diagnosis) -> Markdown:
    lines = diagnosis.extract[-EVIDENCE_LINES:] if scene.may_show_log else ()
    return words(
        "failure/closest", body=_numbered(lines) if lines else "", hidden="" if scene.may_show_log else _private(scene)
    )


def _private(scene: Scene) -> Markdown:
    """Where the log is that is not posted."""
    return words("failure/private", url=scene.app_log_url)


def _numbered(lines: tuple[Evidence, ...]) -> Markdown:
    """The lines with their numbers in a fence, as many of the first as fit."""
    width = len(str(max(e.line for e in lines)))
    shown: list[str] = []
    room = EVIDENCE_BYTES
    for each in lines:
        quote = escape.visible(each.quote[: 2 * limits.LINE_CHARACTERS]).replace("\n", " ").rstrip()
        entry = f"{each.line:>{width}}  {escape.cut(quote, limits.LINE_CHARACTERS)}"
        room -= limits.utf8(entry) + 1
        if room < 0:
            break
        shown.append(entry)
    return escape.fence("\n".join(shown))


def _footer(scene: Scene, diagnosis: Diagnosis | None) -> Markdown:
    by = diagnosis.by if diagnosis is not None else ""
    recognised = diagnosis is not None and diagnosis.status == "diagnosed"
    return words(
        "failure/footer",
        by=by if recognised else "",
        rule=by.removeprefix("rule ") if by.startswith("rule ") else "",
        took_s=diagnosis.took_s if diagnosis is not None else 0.0,
        cost=f"{diagnosis.cost_usd:.3f}" if diagnosis is not None and diagnosis.cost_usd else "",
        note=diagnosis.note.strip().rstrip(".") if diagnosis is not None else "",
        confidence=diagnosis.confidence if diagnosis is not None and recognised else "",
        log_url=scene.build_log_url,
        app=scene.deployment.failure is not None and scene.deployment.failure.log == "app",
    )
