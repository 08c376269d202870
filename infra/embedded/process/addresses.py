"""One loopback address for each instance, so that all of them may listen on the same port."""

from __future__ import annotations

import fcntl
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from infra.embedded.process.files import read_json, write_json

NETWORK = ipaddress.ip_network("127.80.0.0/13")
"""Half a million addresses that nothing else is likely to use; all of 127.0.0.0/8 is loopback on Linux."""


class Addresses:
    def __init__(self, directory: Path) -> None:
        self._file = directory / "addresses.json"
        self._lock = directory / "addresses.lock"

    def take(self, instance: str) -> str:
        """The instance's address: the same whenever it is asked for, until it is given back."""
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = read_json(self._file) or {"next": 0, "taken": {}}
            taken: dict[str, str] = known["taken"]
            if instance in taken:
                return taken[instance]
            used = set(taken.values())
            for _ in range(NETWORK.num_addresses):
                known["next"] = known["next"] % (NETWORK.num_addresses - 2) + 1
                address = str(NETWORK[known["next"]])
                if address not in used and not address.endswith((".0", ".255")):
                    break
            taken[instance] = address
            write_json(self._file, known)
            return address

    def give_back(self, instances: Sequence[str]) -> None:
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = read_json(self._file)
            if known is None:
                return
            for instance in instances:
                known["taken"].pop(instance, None)
            write_json(self._file, known)
