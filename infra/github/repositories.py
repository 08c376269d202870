"""Reading repositories, commits, files and people."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from pydantic import TypeAdapter

from bot.errors import Outage, UserError
from bot.model import Repository
from bot.ports import Commit, PullRequest, Source, Tree, TreeEntry
from infra.github.answers import (
    Blob,
    CommitAnswer,
    Id,
    Permission,
    Pull,
    PullRequestAnswer,
    Ref,
    RepositoryAnswer,
    TreeAnswer,
    read,
)
from infra.github.answers import Repositories as RepositoriesAnswer
from infra.github.base import Part, of
from infra.github.client import TooLarge, path
from infra.github.failures import Absent

_PULLS = TypeAdapter(list[Pull])
FILE_BYTES = 1024 * 1024
"""The largest file read: build files are a few KiB."""


class Repositories(Part):
    async def repository(self, installation_id: int, repository_id: int) -> Repository | None:
        """By id, whatever it is called now. GitHub has that route and doesn't list it in its description, so where it
        says no, the installation's listing decides."""
        try:
            response = await self._client.get(path("/repositories/{}", repository_id), installation_id)
        except Absent:
            found = await self.repositories(installation_id)
            return next((each for each in found if each.id == repository_id), None)
        return _repository(read(RepositoryAnswer, response), installation_id)

    async def repositories(self, installation_id: int) -> Sequence[Repository]:
        return [
            _repository(each, installation_id)
            async for page in self._client.pages("/installation/repositories", installation_id)
            for each in read(RepositoriesAnswer, page).repositories
        ]

    async def branch_head(self, repo: Repository, branch: str) -> str | None:
        """None: no such branch."""
        if not branch:
            return None
        try:
            response = await self._client.get(of(repo, "/git/ref/heads/{}", branch), repo.installation_id)
        except Absent:
            return None
        return read(Ref, response).object.sha

    async def commit(self, repo: Repository, ref: str) -> Commit | None:
        """By SHA, branch or tag. None: no such commit."""
        if not ref:
            return None
        try:
            # One file a page: the diff comes along, and is not wanted.
            response = await self._client.get(of(repo, "/commits/{}", ref), repo.installation_id, per_page=1)
        except Absent:
            return None
        answer = read(CommitAnswer, response)
        return Commit(sha=answer.sha, message=answer.commit.message)

    async def tree(self, repo: Repository, sha: str) -> Tree:
        response = await self._client.get(of(repo, "/git/trees/{}", sha), repo.installation_id, recursive="1")
        answer = read(TreeAnswer, response)
        entries = (TreeEntry(path=e.path, sha=e.sha, mode=e.mode, size=e.size or 0) for e in answer.tree)
        return Tree(entries=tuple(entries), truncated=answer.truncated)

    async def file(self, repo: Repository, blob_sha: str) -> bytes:
        """Raises UserError for a file of more than 1 MiB."""
        most = FILE_BYTES * 3 // 2  # base64 with line breaks, and the JSON around it
        url = of(repo, "/git/blobs/{}", blob_sha)
        try:
            blob = read(Blob, await self._client.get(url, repo.installation_id, most=most))
            content = base64.b64decode(blob.content) if blob.encoding == "base64" else blob.content.encode()
        except TooLarge as error:
            raise _too_large() from error
        except binascii.Error as error:
            raise Outage(f"The file {blob_sha} of {repo.full_name} arrived damaged.") from error
        if len(content) > FILE_BYTES:
            raise _too_large()
        return content

    async def source(self, repo: Repository, sha: str) -> Source:
        """The token is new, good for an hour, and reads that repository's contents only."""
        token = await self._client.source_token(repo.installation_id, repo.id)
        return Source(url=self._client.api_url + of(repo, "/tarball/{}", sha), token=token, sha=sha)

    async def pull_request(self, repo: Repository, number: int) -> PullRequest | None:
        """`head_repository_id` 0: the fork has been deleted."""
        try:
            response = await self._client.get(of(repo, "/pulls/{}", number), repo.installation_id)
        except Absent:
            return None
        answer = read(PullRequestAnswer, response)
        return PullRequest(
            number=answer.number,
            head_sha=answer.head.sha,
            head_ref=answer.head.ref,
            head_repository_id=answer.head.repo.id if answer.head.repo else 0,
        )

    async def can_write(self, repo: Repository, login: str) -> bool:
        """Asked of GitHub each time: a permission that was taken away counts at once."""
        return (await self._permission(repo, login)).permission in ("admin", "maintain", "write")

    async def can_maintain(self, repo: Repository, login: str) -> bool:
        """GitHub's `permission` knows four levels and says `write` for maintainers; `role_name` knows them all."""
        found = await self._permission(repo, login)
        return found.permission == "admin" or found.role_name == "maintain"

    async def _permission(self, repo: Repository, login: str) -> Permission:
        try:
            response = await self._client.get(of(repo, "/collaborators/{}/permission", login), repo.installation_id)
        except Absent:
            return Permission()
        return read(Permission, response)

    async def merged_from(self, repo: Repository, sha: str) -> int | None:
        try:
            response = await self._client.get(of(repo, "/commits/{}/pulls", sha), repo.installation_id)
        except Absent:
            return None
        merged = [pull for pull in read(_PULLS, response) if pull.merged_at is not None]
        exact = [pull for pull in merged if pull.merge_commit_sha == sha]
        return next((pull.number for pull in exact or merged), None)

    async def user_id(self, installation_id: int, login: str) -> int | None:
        try:
            response = await self._client.get(path("/users/{}", login), installation_id)
        except Absent:
            return None
        return read(Id, response).id


def _too_large() -> UserError:
    return UserError(
        f"A build file is larger than {FILE_BYTES // 1024} KiB.",
        "WhaleRay reads build files only up to that size.",
        "Move what is large out of it.",
    )


def _repository(answer: RepositoryAnswer, installation_id: int) -> Repository:
    return Repository(
        id=answer.id,
        owner=answer.owner.login,
        name=answer.name,
        installation_id=installation_id,
        default_branch=answer.default_branch or "main",
        private=answer.private,
        html_url=answer.html_url,
    )
