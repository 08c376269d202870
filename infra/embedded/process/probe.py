"""Asking an instance whether it is up: at its own address, with the router's headers."""

from __future__ import annotations

import http.client
from typing import Any

TIMEOUT_S = 2.0
NOTHING_LISTENS = "nothing listens on port {} yet"


def probe(spec: dict[str, Any]) -> tuple[bool, str]:
    """Whether the instance is healthy, and what it answered."""
    path = spec["health_path"] or "/"
    connection = http.client.HTTPConnection(spec["address"], int(spec["port"]), timeout=TIMEOUT_S)
    headers = {
        "X-Forwarded-Prefix": f"/{spec['service_id']}",
        "X-Forwarded-Proto": spec["scheme"],
        "X-Forwarded-Host": spec["host"],
        "Connection": "close",
    }
    try:
        connection.request("GET", path, headers=headers)
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return False, NOTHING_LISTENS.format(spec["port"])
    except TimeoutError:
        return False, f"GET {path}: no answer within {TIMEOUT_S:g} s"
    except (OSError, http.client.HTTPException) as error:
        return False, f"GET {path}: {type(error).__name__}"
    finally:
        connection.close()
    return up(status, actuator=spec["actuator"]), f"GET {path}: {status}"


def up(status: int, *, actuator: bool) -> bool:
    """Actuator: 200, or 401 and 403 as up and secured. Anything else: whatever isn't the server's own error."""
    return status in (200, 401, 403) if actuator else status < 500
