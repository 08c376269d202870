"""Comments on a pull request: the sticky one, and the frame of every answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from bot.model import Stage
from bot.render import failure, limits, phrases
from bot.render.escape import Markdown
from bot.render.scene import Scene
from bot.render.words import words

STICKY_MARKER = "<!-- whaleray:sticky -->"
"""Begins the one comment that is kept up to date; the author is matched with it, for anyone can write this."""

_SAFE_DELIVERY = re.compile(r"[0-9A-Za-z-]{1,64}")
_TEMPLATES = {Stage.RUNNING: "running", Stage.FAILED: "failed", Stage.CANCELLED: "cancelled"}


def sticky(scene: Scene) -> Markdown:
    """The pull request's newest deployment: URL, commit, stage, duration and, on failure, the diagnosis. It shows no
    time that runs, so that it is edited only when something happened."""
    return _sticky(scene, _TEMPLATES.get(scene.deployment.stage, "underway"))


def closed_pull_request(scene: Scene) -> Markdown:
    """What the sticky comment says once the pull request is closed: what is live, and how to go back. `scene`: of the
    pull request's newest deployment."""
    return _sticky(scene, "underway" if not scene.deployment.stage.ended else "closed")


def failed_default_branch(scene: Scene) -> Markdown:
    """On the pull request whose merge was pushed and did not deploy."""
    deployment = scene.deployment
    said = words(
        "comment/failed_default_branch",
        marker=Markdown(f"<!-- whaleray:merged {_safe(deployment.id)} -->"),
        deployment=deployment,
        worked=phrases.worked_stage(deployment).value,
        failure=failure.failure(scene),
    )
    return fit(said)


def _sticky(scene: Scene, template: str) -> Markdown:
    deployment = scene.deployment
    by = deployment.superseded_by or ""
    said = words(
        f"comment/{template}",
        deployment=deployment,
        stage=deployment.stage.value,
        plan=deployment.plan,
        what=phrases.what(deployment, scene.before),
        lasted=phrases.lasted(deployment, scene.now),
        worked=phrases.worked_stage(deployment).value,
        by=by[:7] if phrases.is_commit(by) else by,
        by_commit=phrases.is_commit(by),
        url=scene.service_url,
        is_live=scene.is_live,
        live=scene.other_live,
        replaced=scene.replaced,
        failure=failure.failure(scene) if deployment.stage is Stage.FAILED else "",
    )
    return fit(words("comment/sticky", marker=Markdown(STICKY_MARKER), said=said))


def reply_marker(delivery: str) -> Markdown:
    """Begins the answer to the comment that `delivery` told of. A name that could end an HTML comment, which GitHub's
    GUIDs are not, goes in as its hash."""
    return Markdown(f"<!-- whaleray:reply {_safe(delivery)} -->")


def answer(delivery: str, parts: Sequence[str]) -> Markdown:
    """One answer of all that its commands have to say. `parts` are markdown, made by `bot.render`."""
    marker = reply_marker(delivery)
    return fit(words("reply/answer", marker=marker, parts=[Markdown(part) for part in parts]))


def fit(document: str) -> Markdown:
    """`document` within GitHub's limit for a comment."""
    return limits.within(document, limits.COMMENT_CHARACTERS, words("cut"))


def _safe(name: str) -> str:
    if _SAFE_DELIVERY.fullmatch(name) and "--" not in name:
        return name
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
