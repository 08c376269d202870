"""How build tools are told of the operator's proxy and mirror: they read neither from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import unquote, urlsplit


def maven_settings(environment: Mapping[str, str]) -> str | None:
    """A settings.xml with the environment's proxy and mirror; None without any."""
    proxies = [_proxy(protocol, url, environment) for protocol, url in _proxies(environment).items()]
    mirror = environment.get("MVNW_REPOURL", "")
    mirrors = (
        f"<mirror><id>mirror</id><mirrorOf>central</mirrorOf><url>{escape(mirror)}</url></mirror>" if mirror else ""
    )
    if not proxies and not mirror:
        return None
    return f"<settings><proxies>{''.join(proxies)}</proxies><mirrors>{mirrors}</mirrors></settings>"


def java_proxies(environment: Mapping[str, str]) -> list[str]:
    """The same for Gradle, as the JVM's own properties."""
    found: list[str] = []
    for protocol, url in _proxies(environment).items():
        parts = urlsplit(url)
        found += [f"-D{protocol}.proxyHost={parts.hostname}", f"-D{protocol}.proxyPort={parts.port or 80}"]
        found += [f"-Dhttp.nonProxyHosts={hosts}"] if (hosts := _direct(environment)) else []
    return found


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for protocol in ("http", "https"):
        name = f"{protocol}_proxy"
        url = environment.get(name) or environment.get(name.upper(), "")
        if url and urlsplit(url if "//" in url else f"//{url}").hostname:
            found[protocol] = url if "//" in url else f"http://{url}"
    return found


def _proxy(protocol: str, url: str, environment: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    fields = {
        "id": protocol,
        "protocol": protocol,
        "host": parts.hostname or "",
        "port": str(parts.port or 80),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "nonProxyHosts": _direct(environment),
    }
    return f"<proxy>{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in fields.items() if text)}</proxy>"


def _direct(environment: Mapping[str, str]) -> str:
    """NO_PROXY in Java's words: `.example.com` is `*.example.com`, and bars separate."""
    hosts = (environment.get("no_proxy") or environment.get("NO_PROXY", "")).split(",")
    return "|".join(f"*{host}" if host.startswith(".") else host for host in map(str.strip, hosts) if host)
