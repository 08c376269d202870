"""Comments and reactions."""

from __future__ import annotations

import re

from pydantic import TypeAdapter

from bot.model import Repository
from infra.github.answers import CommentAnswer, Id, read
from infra.github.base import Part, of
from infra.github.failures import Absent, Transient

_COMMENTS = TypeAdapter(list[CommentAnswer])
_MARKER = re.compile(r"<!--.*?-->", re.DOTALL)


class Conversation(Part):
    async def find_comment(self, repo: Repository, number: int, marker: str) -> int | None:
        """The App's own oldest comment that begins with `marker`: anyone can write the marker, so the author counts
        too. None: there is none (or no such issue)."""
        url = of(repo, "/issues/{}/comments", number)
        try:
            async for page in self._client.pages(url, repo.installation_id):
                for comment in read(_COMMENTS, page):
                    if comment.body.startswith(marker) and await self._own(comment):
                        return comment.id
        except Absent:
            return None
        return None

    async def create_comment(self, repo: Repository, number: int, body: str) -> int:
        """An answer that got lost: the comment is looked up by the marker (an HTML comment) that `body` begins with;
        Outage when it is not there (yet)."""
        url = of(repo, "/issues/{}/comments", number)
        try:
            response = await self._client.send("POST", url, repo.installation_id, body={"body": body}, again=False)
        except Transient as failure:
            marker = _MARKER.match(body)
            if not failure.arrived or marker is None:
                raise
            found = await self.find_comment(repo, number, marker[0])
            if found is None:
                raise
            return found
        return read(Id, response).id

    async def update_comment(self, repo: Repository, comment_id: int, body: str) -> None:
        """Raises Gone when somebody deleted it."""
        url = of(repo, "/issues/comments/{}", comment_id)
        await self._client.send("PATCH", url, repo.installation_id, body={"body": body})

    async def react(self, repo: Repository, comment_id: int, content: str) -> None:
        """`content`: `eyes`, `rocket`, `confused`, `+1` … GitHub keeps one of a kind, so doing it again does nothing.
        Raises Gone when somebody deleted the comment."""
        url = of(repo, "/issues/comments/{}/reactions", comment_id)
        await self._client.send("POST", url, repo.installation_id, body={"content": content})

    async def _own(self, comment: CommentAnswer) -> bool:
        if comment.performed_via_github_app is not None and self._app_id:
            return comment.performed_via_github_app.id == self._app_id
        if comment.user is None or not comment.user.login.endswith("[bot]"):
            return False
        return comment.user.login == f"{await self.app_slug()}[bot]"
