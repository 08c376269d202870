"""Which call of a port took from when to when, and for which delivery or deployment: written down by the bot that is
measured, read by the rig."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.events import Event
from bot.model import Deployment
from bot.ports import Ports

PORTS = ("store", "inbox", "view", "engine", "registry", "github", "secrets")
_at_hand: ContextVar[str] = ContextVar("at_hand", default="")
"""What the job at hand is about; a worker's task sets it when it leases one."""


@dataclass(frozen=True)
class Call:
    name: str
    """`port.method`."""
    about: str
    """`{type of event} {delivery or deployment}` of the job at hand or of what is sent; "" for neither."""
    began: float
    """Epoch seconds."""
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Trace:
    """Kept in memory, so that writing disturbs nothing, until `save`."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self.causes: dict[str, str] = {}
        """Deployment's id -> the delivery that caused it."""

    def wrap(self, ports: Ports) -> Ports:
        changes: dict[str, Any] = {name: _Traced(name, getattr(ports, name), self) for name in PORTS}
        return dataclasses.replace(ports, **changes)

    def note(self, name: str, about: str, began: float) -> None:
        self._calls.append(Call(name, about, began, time.time()))

    def save(self, file: Path) -> None:
        calls = [dataclasses.astuple(call) for call in self._calls]
        file.write_text(json.dumps({"calls": calls, "causes": self.causes}))


@dataclass(frozen=True)
class Saved:
    calls: Sequence[Call]
    causes: dict[str, str]


def load(file: Path) -> Saved:
    known = json.loads(file.read_text())
    return Saved([Call(*each) for each in known["calls"]], known["causes"])


class _Traced:
    def __init__(self, name: str, port: Any, trace: Trace) -> None:
        self._name = name
        self._port = port
        self._trace = trace

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        name = f"{self._name}.{method}"
        if not inspect.iscoroutinefunction(real) or name == "engine.hints":
            return real

        @functools.wraps(real)
        async def traced(*args: Any, **kwargs: Any) -> Any:
            began = time.time()
            result = await real(*args, **kwargs)
            if method == "lease":
                _at_hand.set(_about(result.event) if result else "")
            if name == "store.put_deployment" and isinstance(result, Deployment):
                self._trace.causes[result.id] = result.cause.delivery
            about = _about(args[0]) if method == "send" else _at_hand.get()
            self._trace.note(name, about, began)
            return result

        return traced


def _about(event: Event) -> str:
    named = getattr(event, "delivery", "") or getattr(event, "deployment", "") or getattr(event, "number", "")
    return f"{event.type} {named}"
