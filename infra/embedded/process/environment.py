"""What builds and applications may see of the bot's environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

ALLOWED = (
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "MVNW_REPOURL",
)
"""Of the bot's environment builds and applications see these and PATH: language, proxy, CA and mirror settings."""


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: environment[name] for name in ALLOWED if name in environment}
    return found | {"PATH": environment.get("PATH", os.defpath)}
