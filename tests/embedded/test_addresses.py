"""An address is one instance's alone."""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from infra.embedded.process.addresses import NETWORK, Addresses


def take(arguments: tuple[Path, str]) -> str:
    return Addresses(arguments[0]).take(arguments[1], 8080)


def test_the_same_instance_gets_the_same_address_also_from_a_new_process(tmp_path: Path) -> None:
    assert take((tmp_path, "a-0")) == take((tmp_path, "a-0"))


def test_no_two_instances_get_the_same_also_when_they_ask_at_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        taken = list(pool.map(take, [(tmp_path, f"{n}-0") for n in range(40)]))
    assert len(set(taken)) == 40
    assert all(ipaddress.ip_address(address) in NETWORK for address in taken)


def test_what_was_given_back_is_not_given_again_soon(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    first = addresses.take("a-0", 8080)
    addresses.give_back(["a-0", "never-0"])
    assert first not in [addresses.take(f"{n}-0", 8080) for n in range(20)]
    assert addresses.take("a-0", 8080) != first


def test_an_address_where_somebody_listens_is_passed_over(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    first = ipaddress.ip_address(addresses.take("a-0", 8080))
    with socket.socket() as stranger:
        stranger.bind((str(first + 1), 0))
        stranger.listen()
        assert addresses.take("b-0", stranger.getsockname()[1]) == str(first + 2)


def test_two_state_directories_begin_at_different_addresses(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    assert Addresses(tmp_path / "a").take("x-0", 8080) != Addresses(tmp_path / "b").take("x-0", 8080)


def test_addresses_go_round_without_the_ends_of_a_network(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    taken = [addresses.take(f"{n}-0", 8080) for n in range(300)]
    assert not [address for address in taken if address.endswith((".0", ".255"))]
