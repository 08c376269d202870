"""What keeps other web sites out: the pages change the sandbox, and listen on this machine's loopback address."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers


def policy(leads_to: str = "") -> dict[str, str]:
    """Headers of every page. `leads_to`: another address that its form may end at; browsers hold redirects against
    the policy too."""
    parts = urlsplit(leads_to)
    also = f" {parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""
    return {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
            f"form-action 'self'{also}; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def own_host(headers: Headers, port: int) -> bool:
    """A name that merely resolves to this machine is not ours: a site could rebind its own to reach us."""
    return headers.get("host") in (f"127.0.0.1:{port}", f"localhost:{port}")


def same_origin(headers: Headers) -> bool:
    """A form of the sandbox's own pages sent this. Browsers always name the origin of a POST."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin != "null":
        return origin == f"http://{headers.get('host')}"
    return site == "same-origin"
