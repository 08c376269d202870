"""When a service's requests go to its upstream."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import RouterConfig, Service, list_digest, render_listed
from router.listing import PATIENCE_S, Listing
from tests.router.rig import TOKEN

A, B = ("github_a", 8080), ("github_b", 9090)


class World:
    """What the listing sees of nginx, of the DNS and of the registry."""

    def __init__(self, *wanted: Service) -> None:
        self.config = RouterConfig(Path("nowhere"), "127.0.0.1", 1, 1, TOKEN)
        self.wanted: list[Service] | Exception = list(wanted)
        self.answered: dict[str, float] = {}
        self.serves: str | None = None
        self.now = 100.0
        self.listing = Listing(
            self.config,
            self.read,
            self.answered.get,
            lambda: self.serves,
            lambda: self.now,
        )

    def read(self) -> list[Service]:
        if isinstance(self.wanted, Exception):
            raise self.wanted
        return self.wanted

    def text(self, *services: Service, routed: tuple[Service, ...] = ()) -> str:
        return render_listed(list(services), self.config, routed)

    def take_up(self, text: str | None) -> None:
        """nginx serves by `text` from now on."""
        assert text is not None
        self.serves = list_digest(text)
        assert self.listing.step() is None

    def answer(self, *services: Service) -> None:
        self.now += 0.1
        self.answered |= {service[0]: self.now for service in services}


def test_a_service_is_defined_first_and_routed_when_the_dns_has_answered_for_it() -> None:
    world = World(A)
    begun = world.listing.begin()
    assert begun == world.text(A)
    world.take_up(begun)
    world.answer(A)
    assert world.listing.step() == world.text(A, routed=(A,))
    assert world.listing.step() is None


def test_an_answer_before_the_workers_took_the_list_up_counts_for_nothing() -> None:
    world = World(A)
    begun = world.listing.begin()
    world.answer(A)  # to the workers of before
    assert world.listing.step() is None
    world.take_up(begun)
    assert world.listing.step() is None


def test_a_service_that_comes_leaves_the_others_where_they_are() -> None:
    world = World(A)
    world.take_up(world.listing.begin())
    world.answer(A)
    assert world.listing.step()
    world.wanted = [A, B]
    changed = world.listing.step()
    assert changed == world.text(A, B, routed=(A,))
    world.take_up(changed)
    world.answer(B)
    assert world.listing.step() == world.text(A, B, routed=(A, B))
    world.wanted = [B]
    assert world.listing.step() == world.text(B, routed=(B,))


def test_one_without_an_answer_does_not_keep_the_others_waiting_for_ever() -> None:
    world = World(A, B)
    world.take_up(world.listing.begin())
    world.answer(A)
    assert world.listing.step() is None
    world.now += PATIENCE_S
    assert world.listing.step() == world.text(A, B, routed=(A,))


def test_an_nginx_that_was_started_anew_has_resolved_nothing() -> None:
    world = World(A)
    world.take_up(world.listing.begin())
    world.answer(A)
    assert world.listing.step() == world.text(A, routed=(A,))
    assert world.listing.begin() == world.text(A)


def test_the_list_of_a_running_nginx_is_kept_where_it_is_the_same() -> None:
    same = World(A)
    same.listing.adopt(same.text(A, routed=(A,)))
    assert same.listing.step() is None
    other = World(A, B)
    other.listing.adopt(other.text(A, routed=(A,)))
    assert other.listing.step() == other.text(A, B)


@pytest.mark.parametrize("error", [OSError("disk"), RuntimeError("locked")])
def test_a_list_that_cannot_be_read_changes_nothing(error: Exception) -> None:
    world = World(A)
    world.take_up(world.listing.begin())
    world.answer(A)
    assert world.listing.step()
    world.wanted = error
    assert world.listing.step() is None
    world.wanted = [B]
    assert world.listing.step() == world.text(B)


def test_what_is_no_service_is_left_out() -> None:
    assert World(A, ("evil;", 80), ("github_c", 0)).listing.begin() == World().text(A)
