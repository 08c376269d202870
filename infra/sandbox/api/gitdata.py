"""Commits, refs, trees, blobs and tarballs, all out of the real repository."""

from __future__ import annotations

import base64
import secrets

from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.git import CommitObject, TreeItem
from infra.sandbox.refusal import Refusal, not_found

LARGEST_BLOB = 100 * 1024 * 1024
"""GitHub's limit for its blob endpoint."""
MOST_ENTRIES = 100_000
"""A recursive tree is cut there and says so."""


def _not_empty(call: Call) -> None:
    if not any(name.startswith("refs/heads/") for name in call.repository.known_refs):
        raise Refusal(409, "Git Repository is empty.")


@endpoint("GET /repos/{owner}/{repo}/git/ref/{ref}", "contents:read")
def ref(call: Call) -> Answer:
    _not_empty(call)
    name = f"refs/{call.values['ref']}"
    pulls = call.repository.git.refs("refs/pull/") if name.startswith("refs/pull/") else {}
    sha = (call.repository.known_refs | pulls).get(name)
    if sha is None:
        raise not_found()
    # A branch is at a commit; a tag may be an object of its own.
    kind = "commit" if not name.startswith("refs/tags/") else call.repository.git.git("cat-file", "-t", sha)
    base = f"{call.shapes.api}/repos/{call.repository.full_name}/git"
    there = {"type": kind, "sha": sha, "url": f"{base}/{kind}s/{sha}"}
    return Answer(json={"ref": name, "node_id": f"REF_{sha[:12]}", "url": f"{base}/{name}", "object": there})


@endpoint("GET /repos/{owner}/{repo}/branches/{branch}", "contents:read")
def branch(call: Call) -> Answer:
    name = call.values["branch"]
    sha = call.repository.git.refs("refs/heads/").get(f"refs/heads/{name}")
    commit = call.repository.git.read_commit(sha) if sha else None
    if commit is None:
        raise Refusal(404, "Branch not found")
    base = f"{call.shapes.api}/repos/{call.repository.full_name}/branches/{name}"
    return Answer(
        json={
            "name": name,
            "commit": call.shapes.commit(call.repository, commit),
            "_links": {"html": f"{call.shapes.web}/{call.repository.full_name}/tree/{name}", "self": base},
            "protected": False,
            "protection": {"enabled": False},
            "protection_url": f"{base}/protection",
        }
    )


def commit_of(call: Call, revision: str) -> CommitObject:
    """A commit by SHA, branch or tag. Raises Refusal 409, 422 or 404 as GitHub does."""
    _not_empty(call)
    known = call.repository.known_refs
    at = known.get(f"refs/heads/{revision}") or known.get(f"refs/tags/{revision}") or revision
    if (found := call.repository.git.read_commit(at)) is not None:
        return found
    raise Refusal(422, f"No commit found for SHA: {revision}")


@endpoint("GET /repos/{owner}/{repo}/commits", "contents:read")
def commits(call: Call) -> Answer:
    _not_empty(call)
    start = call.query.get("sha") or call.repository.default_branch
    found = call.repository.git.log(commit_of(call, start).sha, 1000, path=call.query.get("path", ""))
    return call.page([call.shapes.commit(call.repository, each) for each in found])


@endpoint("GET /repos/{owner}/{repo}/commits/{ref}", "contents:read")
def commit(call: Call) -> Answer:
    found = commit_of(call, call.values["ref"])
    shape = call.shapes.commit(call.repository, found)
    changed = call.repository.git.changed(found.sha)
    files = [
        {
            "sha": found.sha,
            "filename": path,
            "status": kind,
            "additions": 0,
            "deletions": 0,
            "changes": 0,
            "blob_url": f"{call.shapes.web}/{call.repository.full_name}/blob/{found.sha}/{path}",
            "raw_url": f"{call.shapes.web}/{call.repository.full_name}/raw/{found.sha}/{path}",
            "contents_url": f"{call.shapes.api}/repos/{call.repository.full_name}/contents/{path}?ref={found.sha}",
        }
        for kind, paths in changed.items()
        for path in paths
    ]
    page = call.page(
        files, lambda part: {**shape, "stats": {"total": 0, "additions": 0, "deletions": 0}, "files": part}
    )
    return Answer(json=page.json, headers=page.headers)


@endpoint("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", "contents:read")
def git_commit(call: Call) -> Answer:
    found = call.repository.git.read_commit(call.values["commit_sha"])
    if found is None:
        raise not_found()
    return Answer(json=call.shapes.git_commit(call.repository, found))


@endpoint("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", "contents:read")
def tree(call: Call) -> Answer:
    _not_empty(call)
    git = call.repository.git
    sha = git.resolve(call.values["tree_sha"], "tree")
    if sha is None:
        raise not_found()
    # Any value of `recursive` counts, also "0" and "false".
    found = git.tree(sha, recursive="recursive" in call.query)
    base = f"{call.shapes.api}/repos/{call.repository.full_name}/git"
    named = call.values["tree_sha"]
    return Answer(
        json={
            "sha": named if git.resolve(named) else sha,
            "url": f"{base}/trees/{sha}",
            "tree": [_entry(base, item) for item in found[:MOST_ENTRIES]],
            "truncated": len(found) > MOST_ENTRIES,
        }
    )


def _entry(base: str, item: TreeItem) -> dict[str, object]:
    shape: dict[str, object] = {"path": item.path, "mode": item.mode, "type": item.type, "sha": item.sha}
    if item.size is not None:
        shape["size"] = item.size
    if item.type != "commit":
        shape["url"] = f"{base}/{item.type}s/{item.sha}"
    return shape


@endpoint("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", "contents:read")
def blob(call: Call) -> Answer:
    sha = call.values["file_sha"]
    content = call.repository.git.blob(sha)
    if content is None:
        raise not_found()
    if len(content) > LARGEST_BLOB:
        raise Refusal(403, "This API returns blobs up to 100 MB in size.")
    return Answer(
        json={
            "sha": sha,
            "node_id": f"BLOB_{sha[:12]}",
            "size": len(content),
            "url": f"{call.shapes.api}/repos/{call.repository.full_name}/git/blobs/{sha}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
    )


@endpoint("GET /repos/{owner}/{repo}/tarball/{ref}", "contents:read")
def tarball(call: Call) -> Answer:
    """Sends the client on to another address that needs no header, as GitHub does."""
    found = commit_of(call, call.values["ref"])
    ticket = secrets.token_urlsafe(24)
    call.world.tickets[ticket] = (call.repository.id, found.sha)
    place = f"/_codeload/{call.repository.full_name}/legacy.tar.gz/{found.sha}"
    return Answer(302, headers={"Location": f"{call.shapes.web}{place}?token={ticket}"})
