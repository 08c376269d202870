"""Checks on commits that are not deployed: why not, and the button that deploys them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.events import NeutralReason
from bot.model import Lock, Repository
from bot.ports import Annotation, CheckRun
from bot.render import check, escape, limits, serving
from bot.render.words import plain, words

EXTERNAL_ID = "offer"
"""`external_id` of each of them: they belong to no deployment."""
CONFIG_FILE = ".whaleray.yml"


@dataclass(frozen=True)
class Problem:
    """Something in the repository's configuration that can't be used."""

    line: int
    """1-based; 0 when it is about the whole file."""
    what: str
    mend: str = ""
    path: str = CONFIG_FILE


def neutral(
    reason: NeutralReason, repository: Repository, head_sha: str, pr: int | None, lock: Lock | None, now: float
) -> CheckRun:
    """The neutral check of a commit. `lock`: the one that holds now, which may be None also when it held before."""
    return CheckRun(
        head_sha=head_sha,
        external_id=EXTERNAL_ID,
        status="completed",
        conclusion="neutral",
        title=escape.cut(plain(f"neutral/{reason}", lock=lock), limits.TITLE_CHARACTERS),
        summary=check.fit(
            words(
                f"neutral/{reason}",
                repository=repository,
                sha=head_sha[:7],
                branch=repository.default_branch,
                pr=pr,
                lock=lock,
                locked=serving.locked(lock, now) if lock is not None else "",
            )
        ),
        actions=(check.action("deploy"),),
    )


def offer(repository: Repository, head_sha: str, pr: int | None = None) -> CheckRun:
    """One click: the first deployment of a branch's or a pull request's head."""
    return neutral("offer", repository, head_sha, pr, None, 0.0)


def config_error(head_sha: str, problems: Sequence[Problem]) -> CheckRun:
    """`.whaleray.yml` can't be used: an annotation on each line that says why."""
    return CheckRun(
        head_sha=head_sha,
        external_id=EXTERNAL_ID,
        status="completed",
        conclusion="failure",
        title=plain("neutral/config"),
        summary=check.fit(words("neutral/config", sha=head_sha[:7], problems=problems)),
        annotations=tuple(
            Annotation(
                path=problem.path,
                line=max(problem.line, 1),
                level="failure",
                title=escape.line(problem.what.replace("`", ""), limits.TITLE_CHARACTERS),
                message=plain("neutral/problem", problem=problem),
            )
            for problem in problems
        ),
        actions=(check.action("deploy"),),
    )
