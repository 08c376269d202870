"""Request bodies, held against GitHub's own request models (as githubkit ships them) and against limits that only
GitHub's documentation tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import githubkit_schemas.latest.models as github
from pydantic import BaseModel, ValidationError

from infra.sandbox.refusal import Refusal, invalid

CHECK_TEXT_BYTES = 65_535
ANNOTATION_TEXT_BYTES = 64 * 1024
ANNOTATION_TITLE = 255
COMMENT_CHARACTERS = 65_536
DESCRIPTION_CHARACTERS = 140

Body = dict[str, Any]


def _new_check(body: Body) -> type[BaseModel]:
    done = body.get("status") == "completed" or "conclusion" in body
    return github.ReposOwnerRepoCheckRunsPostBodyOneof0 if done else github.ReposOwnerRepoCheckRunsPostBodyOneof1


def _changed_check(body: Body) -> type[BaseModel]:
    done = body.get("status") == "completed" or "conclusion" in body
    if done:
        return github.ReposOwnerRepoCheckRunsCheckRunIdPatchBodyAnyof0
    return github.ReposOwnerRepoCheckRunsCheckRunIdPatchBodyAnyof1


_REPO = "/repos/{owner}/{repo}"
_MODELS: dict[str, Callable[[Body], type[BaseModel]]] = {
    "POST /app/installations/{installation_id}/access_tokens": lambda _: (
        github.AppInstallationsInstallationIdAccessTokensPostBody
    ),
    "DELETE /applications/{client_id}/token": lambda _: github.ApplicationsClientIdTokenDeleteBody,
    f"POST {_REPO}/check-runs": _new_check,
    f"PATCH {_REPO}/check-runs/{{check_run_id}}": _changed_check,
    f"POST {_REPO}/issues/{{issue_number}}/comments": lambda _: github.ReposOwnerRepoIssuesIssueNumberCommentsPostBody,
    f"PATCH {_REPO}/issues/comments/{{comment_id}}": lambda _: github.ReposOwnerRepoIssuesCommentsCommentIdPatchBody,
    f"POST {_REPO}/issues/comments/{{comment_id}}/reactions": lambda _: (
        github.ReposOwnerRepoIssuesCommentsCommentIdReactionsPostBody
    ),
    f"POST {_REPO}/deployments": lambda _: github.ReposOwnerRepoDeploymentsPostBody,
    f"POST {_REPO}/deployments/{{deployment_id}}/statuses": lambda _: (
        github.ReposOwnerRepoDeploymentsDeploymentIdStatusesPostBody
    ),
}
_TYPES = frozenset({"str", "int", "bool", "float", "datetime", "dict", "list"})
_FREE = ("payload",)
"""Fields whose content is the client's own."""
OPTIONAL = frozenset({"POST /app/installations/{installation_id}/access_tokens"})


def read(route: str, raw: bytes) -> Body:
    """`route`: method and path template. Raises Refusal 400 for what is no JSON object, 422 for what GitHub's models
    or limits refuse, fields included that GitHub does not know."""
    model = _MODELS.get(route)
    if model is None:
        if raw.strip() not in (b"", b"{}", b"null"):
            raise invalid(f"{route} takes no body")
        return {}
    if not raw.strip() and route in OPTIONAL:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON", violation=True) from error
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object", violation=True)
    if wrong := [*_by_model(model(body), body), *_by_limits(route, body)]:
        raise invalid(*wrong)
    return body


def _by_model(model: type[BaseModel], body: Body) -> Iterator[Mapping[str, str]]:
    bare = {name: value for name, value in body.items() if name not in _FREE}
    try:
        model.model_validate_json(json.dumps(bare), strict=True, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # Every optional field is a union with "not set": that it isn't that says nothing.
        telling = [each for each in found if "<UNSET>" not in str(each["loc"])]
        for each in telling or found:
            yield _error(".".join(str(part) for part in each["loc"] if _is_field(part)), each["msg"])


def _is_field(part: int | str) -> bool:
    """A place in the body, and not the name of one of the types that pydantic tried there."""
    return isinstance(part, int) or (part.islower() and part.isidentifier() and part not in _TYPES)


def _by_limits(route: str, body: Body) -> Iterator[Mapping[str, str]]:
    if "/check-runs" in route:
        yield from _check_limits(body)
    if route.endswith(("/comments", "/comments/{comment_id}")) and isinstance(text := body.get("body"), str):
        if not text.strip():
            yield _error("body", "can't be blank", "missing_field")
        if len(text) > COMMENT_CHARACTERS:
            yield _error("body", f"is too long (maximum is {COMMENT_CHARACTERS} characters)")
    text = body.get("description")
    if "/deployments" in route and isinstance(text, str) and len(text) > DESCRIPTION_CHARACTERS:
        yield _error("description", f"is too long (maximum is {DESCRIPTION_CHARACTERS} characters)")
    for name in ("environment_url", "log_url", "details_url", "target_url"):
        if isinstance(url := body.get(name), str) and not url.startswith(("http://", "https://")):
            yield _error(name, "must use http(s) scheme")


def _check_limits(body: Body) -> Iterator[Mapping[str, str]]:
    output = body.get("output")
    if not isinstance(output, dict):
        return
    for name in ("summary", "text"):
        if _bytes(output.get(name)) > CHECK_TEXT_BYTES:
            yield _error(f"output.{name}", f"exceeds a maximum bytesize of {CHECK_TEXT_BYTES}")
    for number, each in enumerate(output.get("annotations") or ()):
        if not isinstance(each, dict):
            continue
        place = f"output.annotations.{number}"
        for name in ("message", "raw_details"):
            if _bytes(each.get(name)) > ANNOTATION_TEXT_BYTES:
                yield _error(f"{place}.{name}", "exceeds 64 KB")
        if isinstance(title := each.get("title"), str) and len(title) > ANNOTATION_TITLE:
            yield _error(f"{place}.title", f"is too long (maximum is {ANNOTATION_TITLE} characters)")
        start, end = each.get("start_line"), each.get("end_line")
        if isinstance(start, int) and isinstance(end, int):
            if start < 1 or end < start:
                yield _error(f"{place}.start_line", "must be at least 1 and not after end_line")
            if start != end and ("start_column" in each or "end_column" in each):
                yield _error(f"{place}.start_column", "is only for annotations of one line")


def _bytes(value: object) -> int:
    return len(value.encode(errors="surrogatepass")) if isinstance(value, str) else 0


def _error(field: str, message: str, code: str = "invalid") -> Mapping[str, str]:
    return {"resource": "Request", "field": field, "code": code, "message": f"{field} {message}"}
