"""Plain nginx, to compare with: an application that answers at once, and a proxy in front of it that someone would
write by hand."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bot.errors import UserError
from infra.demo.machine import free_port
from router.nginx import binary

_MAIN = """daemon off;
worker_processes {workers};
pid nginx.pid;
error_log error.log error;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    keepalive_requests 1000000;
    {inside}
}}
"""
APPLICATION = """server {{ listen {address}:{port}; location / {{ return 200 "hello\\n"; }} }}"""
PROXY = """upstream application {{ server {address}:{port}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{own};
        location / {{
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_pass http://application;
        }}
    }}"""


@contextlib.contextmanager
def application(home: Path, address: str, port: int) -> Iterator[None]:
    with _nginx(home, APPLICATION.format(address=address, port=port), 1, f"http://{address}:{port}/"):
        yield


@contextlib.contextmanager
def proxy(home: Path, address: str, port: int, workers: int) -> Iterator[str]:
    """Its URL."""
    own = free_port()
    url = f"http://127.0.0.1:{own}/"
    with _nginx(home, PROXY.format(address=address, port=port, own=own), workers, url):
        yield url


@contextlib.contextmanager
def _nginx(home: Path, inside: str, workers: int, url: str) -> Iterator[None]:
    (home / "tmp").mkdir(parents=True)
    (home / "nginx.conf").write_text(_MAIN.format(workers=workers, inside=inside))
    process = subprocess.Popen([binary(), "-e", "error.log", "-p", f"{home}/", "-c", "nginx.conf"])
    try:
        _answers(url, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, timeout=2, trust_env=False)
            return
        time.sleep(0.05)
    raise UserError("nginx did not start.", "Its own words are above.")
