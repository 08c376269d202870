"""The App itself: who it is, where it is installed, its tokens and its deliveries."""

from __future__ import annotations

from typing import Any

from infra.sandbox import auth
from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.hooks import Delivery
from infra.sandbox.records import Installation, iso
from infra.sandbox.refusal import Refusal, not_found

KEPT_S = 3 * 86_400
"""GitHub lists and redelivers deliveries of the last three days."""


@endpoint("GET /app", by="app")
def app(call: Call) -> Answer:
    mine = [each for each in call.world.installations.values() if each.app is call.app]
    return Answer(json={**call.shapes.app(call.app), "installations_count": len(mine)})


@endpoint("GET /app/hook/config", by="app")
def hook_config(call: Call) -> Answer:
    return Answer(json={"url": call.app.webhook_url, "content_type": "json", "insecure_ssl": "0", "secret": "********"})


@endpoint("GET /app/installations", by="app")
def installations(call: Call) -> Answer:
    mine = [each for each in call.world.installations.values() if each.app is call.app]
    return call.page([call.shapes.installation(each) for each in mine])


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.app is not call.app:
        raise not_found()
    return found


@endpoint("GET /app/installations/{installation_id}", by="app")
def installation(call: Call) -> Answer:
    return Answer(json=call.shapes.installation(_installation(call)))


@endpoint("GET /repos/{owner}/{repo}/installation", by="app")
def installation_of_repository(call: Call) -> Answer:
    found = call.world.find(call.values["owner"], call.values["repo"])
    here = [each for each in call.world.installations_on(found) if each.app is call.app] if found else []
    if not here:
        raise not_found()
    return Answer(json=call.shapes.installation(here[0]))


@endpoint("POST /app/installations/{installation_id}/access_tokens", by="app")
def access_token(call: Call) -> Answer:
    found = _installation(call)
    asked = set(call.body.get("repository_ids") or ())
    for name in call.body.get("repositories") or ():
        repository = call.world.find(found.account.login, name)
        if repository is None:
            raise Refusal(422, "There is at least one repository that does not exist or is not accessible.")
        asked.add(repository.id)
    ids = frozenset(asked) if asked else None
    token = auth.mint(call.world, found, call.body.get("permissions"), ids)
    answer: dict[str, Any] = {
        "token": token.value,
        "expires_at": iso(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": "all" if ids is None and found.every else "selected",
    }
    if ids is not None:
        answer["repositories"] = [call.shapes.repository(call.world.repositories[each]) for each in sorted(ids)]
    return Answer(201, answer)


@endpoint("GET /installation/repositories", by="installation")
def installation_repositories(call: Call) -> Answer:
    covered = [call.shapes.repository(each) for each in call.world.repositories.values() if call.caller.covers(each)]
    return call.page(covered, lambda part: {"total_count": len(covered), "repositories": list(part)})


@endpoint("GET /app/hook/deliveries", by="app")
def deliveries(call: Call) -> Answer:
    """Newest first, paged by a cursor: the id below which the next page begins."""
    kept = [each for each in reversed(call.hooks.deliveries) if _mine(call, each) and each.done]
    if (cursor := call.query.get("cursor", "").removeprefix("v1_")).isdecimal():
        kept = [each for each in kept if each.id < int(cursor)]
    size = min(max(int(call.query.get("per_page") or 30), 1), 100)
    page, more = kept[:size], len(kept) > size
    headers = {"Link": f'<{call.link(cursor=f"v1_{page[-1].id}")}>; rel="next"'} if more else {}
    return Answer(json=[each.shape(call.shapes.web) for each in page], headers=headers)


@endpoint("GET /app/hook/deliveries/{delivery_id}", by="app")
def delivery(call: Call) -> Answer:
    return Answer(json=_delivery(call).shape(call.shapes.web, whole=True))


@endpoint("POST /app/hook/deliveries/{delivery_id}/attempts", by="app")
def attempt(call: Call) -> Answer:
    call.hooks.redeliver(_delivery(call))
    return Answer(202, {})


def _delivery(call: Call) -> Delivery:
    number = call.number("delivery_id")
    found = next((each for each in call.hooks.deliveries if each.id == number and _mine(call, each)), None)
    if found is None:
        raise not_found()
    return found


def _mine(call: Call, each: Delivery) -> bool:
    return each.app is call.app and each.at > call.world.now() - KEPT_S
