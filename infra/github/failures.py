"""What a failed request means: an error of WhaleRay's, in words."""

from __future__ import annotations

import contextlib
import json

import httpx

from bot.errors import Gone, OurError, Outage, WhaleRayError

NO_HINT_S = 60.0
"""Seconds to wait at a limit that names none: GitHub's own advice for secondary limits."""


LONGEST_S = 3600.0
"""GitHub's limits are by the hour."""


class Absent(Gone):
    """GitHub answered, and the very thing asked for is not there."""


class Transient(Outage):
    """Worth another try at once. `arrived`: GitHub may have done what was asked, though no answer came."""

    def __init__(self, what: str, why: str = "", *, arrived: bool) -> None:
        super().__init__(what, why)
        self.arrived = arrived


class Limited(Outage):
    """A rate limit: until `retry_after` is over, the installation asks nothing more."""


def of_network(error: BaseException, request: str) -> Transient:
    """`request`: method and path, for the reader."""
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    late = isinstance(error, (TimeoutError, httpx.TimeoutException))
    what = f"GitHub did not answer {request} in time." if late else f"GitHub could not be reached for {request}."
    return Transient(what, f"{type(error).__name__}: {error}".rstrip(": "), arrived=not isinstance(error, never_sent))


def of_answer(response: httpx.Response, now: float) -> WhaleRayError:
    """`now`: epoch seconds, against which GitHub's reset time counts."""
    request = f"{response.request.method} {response.request.url.path}"
    status = response.status_code
    said = words(response)
    if status >= 500 or status == 408:
        return Transient(f"GitHub answered {request} with {status}.", said, arrived=True)
    if status in (403, 429) and (after := limited(response, said, now)) is not None:
        return Limited(f"GitHub's rate limit holds back {request}.", said, retry_after=after)
    if status == 401:
        return unauthorised(said)
    if status in (404, 410) or (status in (409, 422) and _nothing_there(said)):
        return Absent(f"GitHub has nothing at {request}.", said)
    if status in (403, 451):
        return Gone(
            f"GitHub does not let WhaleRay do {request}.",
            said,
            "Check that the App is installed there, not suspended, and has the permissions that app.yml lists.",
        )
    if status < 400:
        return Outage(f"GitHub answered {request} with {status}.", said)
    return OurError(f"GitHub refused {request} with {status}.", said)


def unauthorised(said: str) -> Outage:
    """The App's key or clock is wrong. The work is kept: it goes on when the operator has mended them."""
    if "'exp'" in said or "'iat'" in said:
        why, mend = f"{said} This machine's clock is wrong.", "Set the clock (NTP)."
    else:
        why = said
        mend = "Check WHALERAY_GITHUB_APP_ID and the private key: both must be of the same App, the key not revoked."
    return Outage("GitHub does not accept the App's credentials.", why, mend, retry_after=NO_HINT_S)


def limited(response: httpx.Response, said: str, now: float) -> float | None:
    """Seconds to stay away, or None when it is no rate limit."""
    headers = response.headers
    with contextlib.suppress(ValueError):
        if "retry-after" in headers:
            return min(max(float(headers["retry-after"]), 1.0), LONGEST_S)
        if headers.get("x-ratelimit-remaining") == "0" and "x-ratelimit-reset" in headers:
            return min(max(float(headers["x-ratelimit-reset"]) - now, 1.0), LONGEST_S)
    spoken = said.lower()
    if response.status_code == 429 or "retry-after" in headers or "rate limit" in spoken or "abuse" in spoken:
        return NO_HINT_S
    return None


def words(response: httpx.Response) -> str:
    """What GitHub said, in one line."""
    try:
        body = json.loads(response.content)
    except (ValueError, httpx.ResponseNotRead):
        return response.reason_phrase
    if not isinstance(body, dict):
        return response.reason_phrase
    details = body.get("errors")
    parts = [str(body.get("message") or response.reason_phrase)]
    if isinstance(details, list):
        parts += [_detail(each) for each in details[:5]]
    elif details:
        parts.append(str(details))
    return " ".join(" ".join(parts).split())[:1000]


def _detail(detail: object) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    if message := detail.get("message"):
        return str(message)
    return " ".join(str(detail[key]) for key in ("resource", "field", "code") if detail.get(key))


def _nothing_there(said: str) -> bool:
    """GitHub's 409 for a repository without commits, and its 422 for a commit that it does not know."""
    spoken = said.lower()
    return "repository is empty" in spoken or "no commit found" in spoken
