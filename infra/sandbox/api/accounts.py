"""People's own tokens, and manifests that become Apps."""

from __future__ import annotations

from infra.sandbox.api.call import Answer, Call, endpoint
from infra.sandbox.api.repositories import user_shape
from infra.sandbox.refusal import not_found

MANIFEST_S = 3600
"""A manifest's code is good for an hour, once."""


@endpoint("GET /user", by="user")
def me(call: Call) -> Answer:
    return Answer(json=user_shape(call, call.account))


@endpoint("DELETE /applications/{client_id}/token", by="client")
def revoke(call: Call) -> Answer:
    found = call.world.user_tokens.get(call.body["access_token"])
    if found is None or found.app is not call.caller.client or call.values["client_id"] != found.app.client_id:
        raise not_found()
    del call.world.user_tokens[call.body["access_token"]]
    return Answer(204)


@endpoint("POST /app-manifests/{code}/conversions")
def convert(call: Call) -> Answer:
    app, made_at = call.world.manifests.pop(call.values["code"], (None, 0.0))
    if app is None or made_at <= call.world.now() - MANIFEST_S:
        raise not_found()
    secret = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "webhook_secret": app.webhook_secret,
        "pem": app.private_key_pem,
    }
    return Answer(201, {**call.shapes.app(app), **secret})
