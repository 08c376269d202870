"""GitHub's JSON for what the sandbox holds."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from infra.sandbox.git import CommitObject
from infra.sandbox.world import (
    Account,
    App,
    CheckRun,
    CheckSuite,
    Comment,
    Deployment,
    DeploymentStatus,
    Installation,
    PullRequest,
    Reaction,
    Repository,
    iso,
)

Shape = dict[str, Any]
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def node(kind: str, number: int) -> str:
    return base64.b64encode(f"{len(kind):03}:{kind}{number}".encode()).decode()


@dataclass(frozen=True)
class Shapes:
    """`web`: the address of the pages, `api`: of the REST API; neither ends in a slash."""

    web: str
    api: str

    def account(self, account: Account) -> Shape:
        base = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node(account.type, account.id),
            "avatar_url": f"{self.web}/_avatar/{account.id}.svg",
            "gravatar_id": "",
            "url": base,
            "html_url": f"{self.web}/{account.login}",
            **{name: base + tail for name, tail in _USER_LINKS.items()},
            "type": account.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def repository_brief(self, repository: Repository) -> Shape:
        """As listed in installation payloads: no owner, no links."""
        return {
            "id": repository.id,
            "node_id": node("Repository", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
        }

    def repository(self, repository: Repository) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        home = f"{self.web}/{repository.full_name}"
        pushed = repository.pushed_at or repository.created_at
        return {
            **self.repository_brief(repository),
            "owner": self.account(repository.owner),
            "html_url": home,
            "description": repository.description or None,
            "fork": repository.fork_of is not None,
            "url": base,
            **{name: base + tail for name, tail in _REPOSITORY_LINKS.items()},
            "git_url": f"{home}.git",
            "ssh_url": f"{home}.git",
            "clone_url": f"{home}.git",
            "svn_url": home,
            "mirror_url": None,
            "homepage": None,
            "created_at": iso(repository.created_at),
            "updated_at": iso(pushed),
            "pushed_at": iso(pushed),
            "size": 1,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": None,
            "has_issues": True,
            "has_projects": False,
            "has_downloads": False,
            "has_wiki": False,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "archived": repository.archived,
            "disabled": False,
            "open_issues_count": sum(pull.state == "open" for pull in repository.pulls.values()),
            "license": None,
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private" if repository.private else "public",
            "forks": 0,
            "open_issues": sum(pull.state == "open" for pull in repository.pulls.values()),
            "watchers": 0,
            "default_branch": repository.default_branch,
        }

    def app(self, app: App) -> Shape:
        return {
            "id": app.id,
            "client_id": app.client_id,
            "slug": app.slug,
            "node_id": node("Integration", app.id),
            "owner": self.account(app.owner),
            "name": app.name,
            "description": app.description,
            "external_url": app.external_url or self.web,
            "html_url": f"{self.web}/apps/{app.slug}",
            "created_at": iso(app.created_at),
            "updated_at": iso(app.created_at),
            "permissions": app.permissions,
            "events": list(app.events),
        }

    def installation(self, installation: Installation) -> Shape:
        base = f"{self.api}/app/installations/{installation.id}"
        suspended = installation.suspended_at
        by = installation.suspended_by
        return {
            "id": installation.id,
            "client_id": installation.app.client_id,
            "account": self.account(installation.account),
            "repository_selection": "all" if installation.every else "selected",
            "access_tokens_url": f"{base}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.web}/settings/installations/{installation.id}",
            "app_id": installation.app.id,
            "app_slug": installation.app.slug,
            "target_id": installation.account.id,
            "target_type": installation.account.type,
            "permissions": installation.permissions,
            "events": list(installation.app.events),
            "created_at": iso(installation.created_at),
            "updated_at": iso(installation.created_at),
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "suspended_by": self.account(by) if by else None,
            "suspended_at": iso(suspended) if suspended is not None else None,
        }

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

    def reaction(self, reaction: Reaction) -> Shape:
        return {
            "id": reaction.id,
            "node_id": node("Reaction", reaction.id),
            "user": self.account(reaction.user),
            "content": reaction.content,
            "created_at": iso(reaction.created_at),
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

    def association(self, repository: Repository, user: Account) -> str:
        if user is repository.owner:
            return "OWNER"
        granted = repository.grants.get(user.login.lower())
        if granted is None:
            return "NONE"
        return "MEMBER" if repository.owner.type == "Organization" else "COLLABORATOR"

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

    def check_run(self, repository: Repository, run: CheckRun) -> Shape:
        url = f"{self.api}/repos/{repository.full_name}/check-runs/{run.id}"
        return {
            "id": run.id,
            "name": run.name,
            "node_id": node("CheckRun", run.id),
            "head_sha": run.head_sha,
            "external_id": run.external_id,
            "url": url,
            "html_url": f"{self.web}/{repository.full_name}/runs/{run.id}",
            "details_url": run.details_url or run.suite.app.external_url or self.web,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": run.started_at,
            "completed_at": run.completed_at,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": run.text,
                "annotations_count": len(run.annotations),
                "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": run.suite.id},
            "app": self.app(run.suite.app),
            "pull_requests": self.pulls_of(repository, run.head_sha),
        }

    def pulls_of(self, repository: Repository, sha: str) -> list[Shape]:
        """Open ones with that head; those from forks are never listed."""
        return [
            self.pull_brief(repository, pull)
            for pull in repository.pulls.values()
            if pull.state == "open" and pull.head_sha == sha and pull.head_repository is repository
        ]

    def check_suite(self, repository: Repository, suite: CheckSuite) -> Shape:
        url = f"{self.api}/repos/{repository.full_name}/check-suites/{suite.id}"
        commit = repository.git.read_commit(suite.head_sha)
        return {
            "id": suite.id,
            "node_id": node("CheckSuite", suite.id),
            "head_branch": suite.head_branch,
            "head_sha": suite.head_sha,
            "status": suite.status,
            "conclusion": suite.conclusion,
            "url": url,
            "before": None,
            "after": suite.head_sha,
            "pull_requests": self.pulls_of(repository, suite.head_sha),
            "app": self.app(suite.app),
            "created_at": iso(suite.created_at),
            "updated_at": iso(suite.created_at),
            "rerequestable": True,
            "runs_rerequestable": True,
            "latest_check_runs_count": len(suite.runs),
            "check_runs_url": f"{url}/check-runs",
            "head_commit": self.head_commit(commit) if commit else None,
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

    def deployment(self, repository: Repository, deployment: Deployment) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        url = f"{base}/deployments/{deployment.id}"
        newest = deployment.statuses[-1] if deployment.statuses else None
        return {
            "url": url,
            "id": deployment.id,
            "node_id": node("Deployment", deployment.id),
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description or None,
            "creator": self.account(deployment.creator),
            "created_at": iso(deployment.created_at),
            "updated_at": iso(newest.created_at if newest else deployment.created_at),
            "statuses_url": f"{url}/statuses",
            "repository_url": base,
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
            "performed_via_github_app": self.app(deployment.app) if deployment.app else None,
        }

    def deployment_status(self, repository: Repository, deployment: Deployment, status: DeploymentStatus) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        return {
            "url": f"{base}/deployments/{deployment.id}/statuses/{status.id}",
            "id": status.id,
            "node_id": node("DeploymentStatus", status.id),
            "state": status.state,
            "creator": self.account(status.creator),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "created_at": iso(status.created_at),
            "updated_at": iso(status.created_at),
            "deployment_url": f"{base}/deployments/{deployment.id}",
            "repository_url": base,
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": self.app(deployment.app) if deployment.app else None,
        }
