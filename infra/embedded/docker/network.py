"""The network of a state directory's containers, and an address for each that it keeps when it is started again.

Docker's own choice of addresses would change with a restart, and hand an ended instance's address to another service
while the router still knows it.
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from bot.errors import OurError
from infra.embedded.docker.client import explained
from infra.embedded.docker.labels import HOME, Labels
from infra.embedded.process.files import read_json, write_json

Subnet = ipaddress.IPv4Network
_POOL = ipaddress.IPv4Network("10.192.0.0/11")
_PREFIX = 20
"""4,094 addresses; a Linux bridge has 1,023 ports."""
_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}
"""Services reach each other through the router, and not behind its back."""


class Network:
    """`root`: the engine's directory. Addresses are given in turn: one that was given back is not given again soon."""

    def __init__(self, root: Path, labels: Labels) -> None:
        self._file = root / "addresses.json"
        self._lock = root / "addresses.lock"
        self._labels = labels

    def take(self, api: APIClient, instance: str) -> str:
        """The instance's address: the same whenever it is asked for, until it is given back."""
        with self._alone():
            subnet = self.ensure(api)
            known = read_json(self._file) or {"next": 0, "taken": {}}
            taken: dict[str, str] = known["taken"]
            if ipaddress.ip_address(taken.get(instance, "0.0.0.0")) in subnet:  # noqa: S104 - no address at all
                return taken[instance]
            used = set(taken.values())
            for _ in range(subnet.num_addresses):
                known["next"] = (known["next"] + 1) % subnet.num_addresses
                address = str(subnet[known["next"]])
                if address not in used and known["next"] not in (0, 1, subnet.num_addresses - 1):
                    break
            else:
                raise OurError(f"All addresses of {subnet} are taken.", "Docker's network of WhaleRay is full.")
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

    def ensure(self, api: APIClient) -> Subnet:
        """Made where it is missing."""
        with contextlib.suppress(NotFound):
            return _subnet_of(api.inspect_network(self._labels.network))
        for subnet in _candidates():
            pool = IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
            try:
                api.create_network(
                    self._labels.network,
                    driver="bridge",
                    options=_OPTIONS,
                    ipam=IPAMConfig(pool_configs=[pool]),
                    check_duplicate=True,
                    labels={HOME: self._labels.home},
                )
            except APIError as error:
                if "already exists" in explained(error):  # by another process, just now
                    break
                if "overlap" not in explained(error):
                    raise
                continue
            return subnet
        return _subnet_of(api.inspect_network(self._labels.network))

    def drop(self, api: APIClient) -> None:
        """Away with it when nothing of ours could want it."""
        with self._alone():
            known = read_json(self._file)
            if (known and known["taken"]) or api.containers(all=True, filters=self._labels.filters()):
                return
            with contextlib.suppress(NotFound):
                api.remove_network(self._labels.network)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _subnet_of(network: dict[str, dict[str, list[dict[str, str]]]]) -> Subnet:
    return ipaddress.IPv4Network(network["IPAM"]["Config"][0]["Subnet"])


def _candidates() -> Iterator[Subnet]:
    routed = _routes()
    for subnet in _POOL.subnets(new_prefix=_PREFIX):
        if not any(subnet.overlaps(route) for route in routed):
            yield subnet


def _routes() -> list[Subnet]:
    """What this machine already routes somewhere, its default route aside."""
    found = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            fields = line.split()
            mask = _address(fields[7])
            if int(mask):
                found.append(ipaddress.IPv4Network((int(_address(fields[1])), int(mask).bit_count())))
    return found


def _address(text: str) -> ipaddress.IPv4Address:
    """The kernel writes its addresses in hexadecimal, in this machine's byte order."""
    return ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(text), "little"))
