"""Repositories, people and pull requests."""

from __future__ import annotations

from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.records import Account, PullRequest, Repository, iso
from infra.sandbox.refusal import not_found

_LEGACY = {"maintain": "write", "triage": "read", None: "none"}
"""`permission` knows four levels only; `role_name` says which it is."""


@endpoint("GET /repos/{owner}/{repo}", "metadata:read")
def repository(call: Call) -> Answer:
    shape = call.shapes.repository(call.repository)
    parent = call.repository.fork_of
    lineage = {"parent": call.shapes.repository(parent), "source": call.shapes.repository(parent)} if parent else {}
    return Answer(json={**shape, "network_count": 0, "subscribers_count": 0, **lineage})


@endpoint("GET /repos/{owner}/{repo}/collaborators/{username}/permission", "metadata:read")
def permission(call: Call) -> Answer:
    account = call.world.account(call.values["username"])
    if account is None:
        raise not_found()
    has = call.repository.permission(account) if account.type == "User" else None
    role = has or "none"
    user = {**call.shapes.account(account), "role_name": role}
    return Answer(json={"permission": _LEGACY.get(has, role), "role_name": role, "user": user})


@endpoint("GET /users/{username}")
def user(call: Call) -> Answer:
    account = call.world.account(call.values["username"])
    if account is None:
        raise not_found()
    return Answer(json=user_shape(call, account))


def user_shape(call: Call, account: Account) -> dict[str, object]:
    """An account with all that its own page says."""
    empty = dict.fromkeys(("company", "location", "email", "hireable", "bio", "twitter_username"))
    numbers = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = {"created_at": iso(account.created_at), "updated_at": iso(account.created_at)}
    return {**call.shapes.account(account), "name": account.login, "blog": "", **empty, **numbers, **times}


def pull_of(call: Call, name: str = "pull_number") -> PullRequest:
    found = call.repository.pulls.get(call.number(name))
    if found is None:
        raise not_found()
    return found


@endpoint("GET /repos/{owner}/{repo}/pulls", "pull_requests:read")
def pulls(call: Call) -> Answer:
    state = call.query.get("state", "open")
    head = call.query.get("head", "")
    found = [
        each
        for each in sorted(call.repository.pulls.values(), key=lambda pull: -pull.number)
        if state in ("all", each.state) and (not head or _label(each) == head)
    ]
    return call.page([call.shapes.pull(call.repository, each) for each in found])


def _label(pull: PullRequest) -> str:
    return f"{pull.head_repository.owner.login if pull.head_repository else ''}:{pull.head_ref}"


@endpoint("GET /repos/{owner}/{repo}/pulls/{pull_number}", "pull_requests:read")
def pull(call: Call) -> Answer:
    return Answer(json=call.shapes.pull(call.repository, pull_of(call)))


@endpoint("GET /repos/{owner}/{repo}/issues/{issue_number}", "issues:read", "pull_requests:read")
def issue(call: Call) -> Answer:
    return Answer(json=call.shapes.issue(call.repository, pull_of(call, "issue_number")))


@endpoint("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", "pull_requests:read")
def pulls_of_commit(call: Call) -> Answer:
    sha = call.repository.git.resolve(call.values["commit_sha"])
    if sha is None:
        raise not_found()
    found = [each for each in call.repository.pulls.values() if _holds(call.repository, each, sha)]
    return call.page([call.shapes.pull(call.repository, each) for each in found])


def _holds(repository: Repository, pull: PullRequest, sha: str) -> bool:
    if sha in (pull.head_sha, pull.merge_sha):
        return True
    git = repository.git
    return git.is_ancestor(sha, pull.head_sha) and not git.is_ancestor(sha, pull.base_sha)


@endpoint("GET /repos/{owner}/{repo}/activity", "contents:read")
def activity(call: Call) -> Answer:
    ref = call.query.get("ref", "")
    names = {ref, f"refs/heads/{ref}"} if ref else None
    found = [
        {
            "id": each.id,
            "node_id": f"PSH{each.id}",
            "before": each.before,
            "after": each.after,
            "ref": each.ref,
            "timestamp": iso(each.at),
            "activity_type": each.kind,
            "actor": call.shapes.account(each.actor),
        }
        for each in reversed(call.repository.activity)
        if names is None or each.ref in names
    ]
    return call.page(found)
