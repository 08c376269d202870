"""Pull requests, their comments and reactions in GitHub's JSON."""

from __future__ import annotations

from infra.sandbox.records import Account, Comment, PullRequest, Reaction, Repository, iso
from infra.sandbox.shapes.base import Base, Shape, node

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


class Pulls(Base):
    def pull(self, repository: Repository, pull: PullRequest) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        home = f"{self.web}/{repository.full_name}/pull/{pull.number}"
        url = f"{base}/pulls/{pull.number}"
        issue = f"{base}/issues/{pull.number}"
        links = {
            "self": url,
            "html": home,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{base}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": f"{base}/statuses/{pull.head_sha}",
        }
        return {
            "url": url,
            "id": pull.id,
            "node_id": node("PullRequest", pull.id),
            "html_url": home,
            "diff_url": f"{home}.diff",
            "patch_url": f"{home}.patch",
            "issue_url": issue,
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "user": self.account(pull.user),
            "body": pull.body or None,
            "created_at": iso(pull.created_at),
            "updated_at": iso(pull.updated_at),
            "closed_at": iso(pull.closed_at) if pull.closed_at else None,
            "merged_at": iso(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_sha,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": [],
            "milestone": None,
            "draft": False,
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": links["statuses"],
            "head": self._side(pull.head_ref, pull.head_sha, pull.head_repository),
            "base": self._side(pull.base_ref, pull.base_sha, repository),
            "_links": {name: {"href": link} for name, link in links.items()},
            "author_association": self.association(repository, pull.user),
            "auto_merge": None,
            "active_lock_reason": None,
            "merged": pull.merged_at is not None,
            "mergeable": None,
            "rebaseable": None,
            "mergeable_state": "unknown",
            "merged_by": self.account(pull.merged_by) if pull.merged_by else None,
            "comments": sum(each.issue == pull.number for each in repository.comments.values()),
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": 1,
            "additions": 0,
            "deletions": 0,
            "changed_files": 1,
        }

    def _side(self, ref: str, sha: str, of: Repository | None) -> Shape:
        owner = of.owner if of else None
        return {
            "label": f"{owner.login}:{ref}" if owner else ref,
            "ref": ref,
            "sha": sha,
            "user": self.account(owner) if owner else None,
            "repo": self.repository(of) if of else None,
        }

    def pull_brief(self, repository: Repository, pull: PullRequest) -> Shape:
        """As check runs and suites list it."""
        api = f"{self.api}/repos"

        def side(ref: str, sha: str, of: Repository) -> Shape:
            return {
                "ref": ref,
                "sha": sha,
                "repo": {"id": of.id, "url": f"{api}/{of.full_name}", "name": of.name},
            }

        return {
            "id": pull.id,
            "number": pull.number,
            "url": f"{api}/{repository.full_name}/pulls/{pull.number}",
            "head": side(pull.head_ref, pull.head_sha, pull.head_repository or repository),
            "base": side(pull.base_ref, pull.base_sha, repository),
        }

    def pulls_of(self, repository: Repository, sha: str) -> list[Shape]:
        """Open ones with that head; those from forks are never listed."""
        return [
            self.pull_brief(repository, pull)
            for pull in repository.pulls.values()
            if pull.state == "open" and pull.head_sha == sha and pull.head_repository is repository
        ]

    def issue(self, repository: Repository, pull: PullRequest) -> Shape:
        """A pull request as an issue: what `issue_comment` carries."""
        base = f"{self.api}/repos/{repository.full_name}"
        url = f"{base}/issues/{pull.number}"
        home = f"{self.web}/{repository.full_name}/pull/{pull.number}"
        return {
            "url": url,
            "repository_url": base,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": home,
            "id": pull.id + 1_000_000,
            "node_id": node("PullRequest", pull.id),
            "number": pull.number,
            "title": pull.title,
            "user": self.account(pull.user),
            "labels": [],
            "state": pull.state,
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": sum(each.issue == pull.number for each in repository.comments.values()),
            "created_at": iso(pull.created_at),
            "updated_at": iso(pull.updated_at),
            "closed_at": iso(pull.closed_at) if pull.closed_at else None,
            "author_association": self.association(repository, pull.user),
            "active_lock_reason": None,
            "draft": False,
            "pull_request": {
                "url": f"{base}/pulls/{pull.number}",
                "html_url": home,
                "diff_url": f"{home}.diff",
                "patch_url": f"{home}.patch",
                "merged_at": iso(pull.merged_at) if pull.merged_at else None,
            },
            "body": pull.body or None,
            "reactions": {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)},
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": None,
            "state_reason": None,
        }

    def comment(self, repository: Repository, comment: Comment) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}/issues"
        url = f"{base}/comments/{comment.id}"
        counts = {name: sum(each.content == name for each in comment.reactions) for name in REACTIONS}
        return {
            "id": comment.id,
            "node_id": node("IssueComment", comment.id),
            "url": url,
            "html_url": f"{self.web}/{repository.full_name}/pull/{comment.issue}#issuecomment-{comment.id}",
            "issue_url": f"{base}/{comment.issue}",
            "user": self.account(comment.user),
            "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at),
            "author_association": self.association(repository, comment.user),
            "body": comment.body,
            "reactions": {"url": f"{url}/reactions", "total_count": len(comment.reactions), **counts},
            "performed_via_github_app": self.app(comment.app) if comment.app else None,
        }

    def reaction(self, reaction: Reaction) -> Shape:
        return {
            "id": reaction.id,
            "node_id": node("Reaction", reaction.id),
            "user": self.account(reaction.user),
            "content": reaction.content,
            "created_at": iso(reaction.created_at),
        }

    def association(self, repository: Repository, user: Account) -> str:
        if user is repository.owner:
            return "OWNER"
        granted = repository.grants.get(user.login.lower())
        if granted is None:
            return "NONE"
        return "MEMBER" if repository.owner.type == "Organization" else "COLLABORATOR"
