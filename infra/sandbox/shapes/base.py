"""Accounts, repositories, Apps and installations in GitHub's JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from infra.sandbox.records import Account, App, Installation, Repository, iso

Shape = dict[str, Any]
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
class Base:
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
