"""Load by wrk (apt install wrk), bounded in time: as many requests as a server answers, on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import UserError

THREADS = 2
DONE = """
function done(summary, latency, requests)
  io.write(string.format(
    '\\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""
LONGEST_S = 120.0


@dataclass(frozen=True)
class Driven:
    requests: int
    a_second: float
    p50_s: float
    p99_s: float
    errors: int
    """Answers of 400 and above, and connections that broke."""


def drive(url: str, *, connections: int, seconds: int, script: str = "") -> Driven:
    """`script`: Lua for wrk. Raises UserError where wrk is missing, or says what can't be understood."""
    if shutil.which("wrk") is None:
        raise UserError("wrk is not installed.", "The load comes from it.", "apt install wrk")
    with tempfile.TemporaryDirectory(prefix="whaleray-bench-") as directory:
        lua = Path(directory) / "load.lua"
        lua.write_text(script + DONE)
        wrk = [
            "wrk",
            "-t",
            str(THREADS),
            "-c",
            str(connections),
            "-d",
            f"{seconds}s",
            "--timeout",
            "10s",
            "-s",
            str(lua),
        ]
        done = subprocess.run([*wrk, url], capture_output=True, text=True, timeout=LONGEST_S, check=False)
    if done.returncode or not (said := done.stdout.strip().splitlines()):
        raise UserError("wrk failed.", done.stderr.strip() or done.stdout.strip())
    told = json.loads(said[-1])
    return Driven(
        requests=told["requests"],
        a_second=told["requests"] / (told["microseconds"] / 1e6),
        p50_s=told["p50"] / 1e6,
        p99_s=told["p99"] / 1e6,
        errors=told["refused"] + told["broken"],
    )


def posts(path: str, bodies: Sequence[tuple[str, Sequence[tuple[str, str]]]], seed: str) -> str:
    """Lua that posts the bodies in turn, each with its headers and a new `X-GitHub-Delivery`, which begins with `seed`
    (8 hexadecimal digits). Each of wrk's threads has a number of its own."""
    requests = ",\n".join(
        "{" + _long(body) + ", {" + ", ".join(f'["{name}"] = {_long(value)}' for name, value in headers) + "}}"
        for body, headers in bodies
    )
    return f"""
local all = {{{requests}}}
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
local count = 0
function request()
  count = count + 1
  local one = all[(count + number) % #all + 1]
  one[2]["X-GitHub-Delivery"] = string.format("{seed}-%04x-4000-8000-%012x", number, count)
  return wrk.format("POST", "{path}", one[2], one[1])
end
"""


def _long(text: str) -> str:
    """A long string of Lua, which knows no escapes."""
    if "]==]" in text or text.startswith("\n"):
        raise ValueError("this text can't be written as a string of Lua's")
    return f"[==[{text}]==]"
