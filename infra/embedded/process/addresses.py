"""One loopback address for each instance, so that all of them may listen on the same port."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import socket
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.errors import OurError
from infra.embedded.process.files import read_json, write_json

NETWORK = ipaddress.ip_network("127.80.0.0/13")
"""Half a million addresses that nothing else is likely to use; all of 127.0.0.0/8 is loopback on Linux."""


class Addresses:
    """Given in turn, so that one that was given back is not given again for a long time: its instance may only just
    be ending."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "addresses.json"
        self._lock = directory / "addresses.lock"

    def take(self, instance: str, port: int) -> str:
        """The instance's address: the same whenever it is asked for, until it is given back."""
        with self._alone():
            # two state directories on one machine begin at different places, and look whether somebody is there
            known = read_json(self._file) or {"next": zlib.crc32(bytes(self._file)), "taken": {}}
            taken: dict[str, str] = known["taken"]
            if instance in taken:
                return taken[instance]
            used = set(taken.values())
            for _ in range(NETWORK.num_addresses):
                known["next"] = known["next"] % (NETWORK.num_addresses - 2) + 1
                address = str(NETWORK[known["next"]])
                if address not in used and not address.endswith((".0", ".255")) and _free(address, port):
                    break
            else:
                raise OurError(f"No loopback address of {NETWORK} has port {port} free.")
            taken[instance] = address
            write_json(self._file, known)
            return address

    def give_back(self, instances: Sequence[str]) -> None:
        with self._alone():
            known = read_json(self._file)
            if known is None or not known["taken"].keys() & set(instances):
                return
            for instance in instances:
                known["taken"].pop(instance, None)
            write_json(self._file, known)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
