"""What the application says of its own running: port, context path, health."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

from bot.inspection import properties
from bot.inspection.files import Files, join, show
from bot.model import Health

_NAMES = ("application.properties", "application.yml", "application.yaml")
_PATH = re.compile(r"(?:/[\w.~%@!$&'()*+,;=-]+)*", re.ASCII)


@dataclass(frozen=True)
class Runtime:
    port: int | None = None
    context_path: str = ""
    health_path: str | None = None
    """Actuator's; None when it can't be asked on the application's port."""
    tls: bool = False
    web: bool = True
    """False: it says that it serves no HTTP."""
    notes: tuple[str, ...] = ()


def read(files: Files, application: str, *, old: bool) -> Generator[str, bytes, Runtime]:
    """Of the directory with the application's `src`; the one file that wins over the others.

    `old`: Spring Boot 1, whose Actuator answers at the root.
    """
    resources = join(application, "src/main/resources")
    path = files.first(join(resources, folder, each) for folder in ("config", "") for each in _NAMES)
    if path is None:
        return _runtime({}, old=old)
    text = yield from files.text(path)
    if text is None:
        return _runtime({}, f"{show(path)} was not read, as four files were before it.", old=old)
    try:
        return _runtime(properties.parse(text, path), old=old)
    except ValueError as error:
        return _runtime({}, f"{show(path)} could not be read: {error}.", old=old)


def _runtime(settings: properties.Settings, *notes: str, old: bool) -> Runtime:
    def value(*keys: str) -> str:
        return properties.value(settings, *keys)

    context = _clean(value("server.servlet.context-path", "spring.webflux.base-path", "server.context-path"))
    return Runtime(
        port=_port(value("server.port")),
        context_path=context,
        health_path=_health(value, context, "" if old else "/actuator"),
        tls=_tls(settings),
        web=value("spring.main.web-application-type").lower() != "none",
        notes=notes,
    )


def _health(value: Callable[..., str], context: str, usual: str) -> str | None:
    own_port = value("management.server.port", "management.port")
    if own_port and own_port != (value("server.port") or "8080"):
        return None
    exposed = [each.strip() for each in value("management.endpoints.web.exposure.include").split(",") if each.strip()]
    hidden = [each.strip() for each in value("management.endpoints.web.exposure.exclude").split(",")]
    if (exposed and not {"*", "health"} & set(exposed)) or {"*", "health"} & set(hidden):
        return None
    if "false" in (value("management.endpoint.health.enabled"), value("endpoints.health.enabled")):
        return None
    servlet = _clean(value("spring.mvc.servlet.path", "server.servlet-path"))
    written = value("management.endpoints.web.base-path", "management.context-path")
    base = _clean(written) if written else usual
    endpoint = _clean("/" + value("management.endpoints.web.path-mapping.health").strip("/")) or "/health"
    return f"{context}{servlet}{base}{endpoint}"


def _tls(settings: properties.Settings) -> bool:
    named = any(key in settings for key in ("server.ssl.keystore", "server.ssl.certificate", "server.ssl.bundle"))
    return named and settings.get("server.ssl.enabled") != "false"


def _port(text: str) -> int | None:
    """None for none, a random one (0), and what is no port."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,4}", text) and int(text) < 65536 else None


def _clean(path: str) -> str:
    """A URL's path without its last slash; "" for the root and for what is none."""
    path = path.strip().rstrip("/")
    if path and not path.startswith("/"):
        path = f"/{path}"
    return path if len(path) <= 200 and _PATH.fullmatch(path) else ""


def health(path: str | None, runtime: Runtime, *, actuator: bool) -> Health:
    """`path`: what `.whaleray.yml` says, which wins."""
    own = runtime.health_path if actuator else None
    if path:
        return Health(path=path, actuator=path == own)
    return Health(path=own, actuator=own is not None)
