"""Commits in GitHub's JSON."""

from __future__ import annotations

from infra.sandbox.git import CommitObject
from infra.sandbox.records import Repository, iso
from infra.sandbox.shapes.base import Base, Shape, node


class Commits(Base):
    def commit(self, repository: Repository, commit: CommitObject) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        return {
            "sha": commit.sha,
            "node_id": node("Commit", int(commit.sha[:8], 16)),
            "commit": {**self._git_commit(commit), "url": f"{base}/git/commits/{commit.sha}", "comment_count": 0},
            "url": f"{base}/commits/{commit.sha}",
            "html_url": f"{self.web}/{repository.full_name}/commit/{commit.sha}",
            "comments_url": f"{base}/commits/{commit.sha}/comments",
            "author": None,
            "committer": None,
            "parents": [self._parent(repository, each) for each in commit.parents],
        }

    def git_commit(self, repository: Repository, commit: CommitObject) -> Shape:
        return {
            "sha": commit.sha,
            "node_id": node("Commit", int(commit.sha[:8], 16)),
            "url": f"{self.api}/repos/{repository.full_name}/git/commits/{commit.sha}",
            "html_url": f"{self.web}/{repository.full_name}/commit/{commit.sha}",
            **self._git_commit(commit),
            "parents": [self._parent(repository, each) for each in commit.parents],
        }

    def _git_commit(self, commit: CommitObject) -> Shape:
        return {
            "author": {"name": commit.author.name, "email": commit.author.email, "date": iso(commit.authored_at)},
            "committer": {
                "name": commit.committer.name,
                "email": commit.committer.email,
                "date": iso(commit.committed_at),
            },
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{self.api}/git/trees/{commit.tree}"},
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        }

    def _parent(self, repository: Repository, sha: str) -> Shape:
        return {
            "sha": sha,
            "url": f"{self.api}/repos/{repository.full_name}/commits/{sha}",
            "html_url": f"{self.web}/{repository.full_name}/commit/{sha}",
        }

    def head_commit(self, commit: CommitObject) -> Shape:
        return {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": iso(commit.committed_at),
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        }
