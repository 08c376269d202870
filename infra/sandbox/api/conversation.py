"""Comments and reactions on pull requests."""

from __future__ import annotations

from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.api.repositories import pull_of
from infra.sandbox.records import Account, App, Comment, PullRequest, Reaction, Repository
from infra.sandbox.refusal import Refusal, not_found
from infra.sandbox.world import World

_WRITE = ("issues:write", "pull_requests:write")
_READ = ("issues:read", "pull_requests:read")


def add_comment(
    world: World, repository: Repository, pull: PullRequest, user: Account, body: str, app: App | None = None
) -> Comment:
    now = world.now()
    comment = Comment(world.new_id("comment"), pull.number, user, body, now, now, app)
    repository.comments[comment.id] = comment
    return comment


@endpoint("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", *_READ)
def comments(call: Call) -> Answer:
    pull = pull_of(call, "issue_number")
    found = [each for each in call.repository.comments.values() if each.issue == pull.number]
    return call.page([call.shapes.comment(call.repository, each) for each in found])


@endpoint("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", *_WRITE)
def create(call: Call) -> Answer:
    pull = pull_of(call, "issue_number")
    if call.caller.token is not None and not call.caller.has("pull_requests:write"):
        raise Refusal(403, "Resource not accessible by integration")
    app = call.app if call.caller.token is not None else None
    comment = add_comment(call.world, call.repository, pull, call.account, call.body["body"], app)
    call.events.issue_comment("created", call.repository, pull, comment, call.account)
    shape = call.shapes.comment(call.repository, comment)
    return Answer(201, shape, headers={"Location": shape["url"]})


def comment_of(call: Call) -> Comment:
    found = call.repository.comments.get(call.number("comment_id"))
    if found is None:
        raise not_found()
    return found


@endpoint("GET /repos/{owner}/{repo}/issues/comments/{comment_id}", *_READ)
def comment(call: Call) -> Answer:
    return Answer(json=call.shapes.comment(call.repository, comment_of(call)))


@endpoint("PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}", *_WRITE)
def update(call: Call) -> Answer:
    found = comment_of(call)
    change_comment(call.world, found, call.body["body"])
    pull = call.repository.pulls[found.issue]
    changes = {"body": {"from": found.edits[-1]}} if found.edits else {}
    call.events.issue_comment("edited", call.repository, pull, found, call.account, changes=changes)
    return Answer(json=call.shapes.comment(call.repository, found))


def change_comment(world: World, comment: Comment, body: str) -> None:
    comment.edits.append(comment.body)
    comment.body, comment.updated_at = body, world.now()


@endpoint("DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}", *_WRITE)
def delete(call: Call) -> Answer:
    found = comment_of(call)
    del call.repository.comments[found.id]
    pull = call.repository.pulls[found.issue]
    call.events.issue_comment("deleted", call.repository, pull, found, call.account)
    return Answer(204)


@endpoint("GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", *_READ)
def reactions(call: Call) -> Answer:
    return call.page([call.shapes.reaction(each) for each in comment_of(call).reactions])


@endpoint("POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", *_WRITE)
def react(call: Call) -> Answer:
    """One of a kind and person: 200 when it was there already."""
    found, content = comment_of(call), call.body["content"]
    mine = next((each for each in found.reactions if each.user is call.account and each.content == content), None)
    if mine is not None:
        return Answer(200, call.shapes.reaction(mine))
    mine = Reaction(call.world.new_id("reaction"), call.account, content, call.world.now())
    found.reactions.append(mine)
    return Answer(201, call.shapes.reaction(mine))
