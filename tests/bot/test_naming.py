"""Service ids are DNS labels that never collide; deployment ids come from their cause alone."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Cause
from bot.naming import deployment_id, service_id, service_url

NAME = st.text(alphabet="abcXYZ019-_.", min_size=1, max_size=100)


def test_a_plain_repository_gets_the_plain_form() -> None:
    assert service_id(1234, "acme", "shop", 99) == "github_1234-acme-shop"


def test_upper_case_is_folded_without_a_suffix() -> None:
    assert service_id(1, "Acme", "Shop", 99) == "github_1-acme-shop"


def test_what_a_label_can_not_hold_is_replaced_and_told_apart_by_a_hash() -> None:
    dotted, dashed = service_id(1, "acme", "shop.web", 1), service_id(1, "acme", "shop-web", 2)
    assert dashed == "github_1-acme-shop-web"
    assert dotted.startswith("github_1-acme-shop-web-")


def test_a_claimed_id_gets_a_suffix_of_its_own_repository() -> None:
    assert service_id(1, "acme", "shop", 7, claimed=True) != service_id(1, "acme", "shop", 8, claimed=True)


@given(st.integers(min_value=1, max_value=2**40), NAME, NAME, st.integers(min_value=1), st.booleans())
def test_every_id_is_a_label_that_the_router_matches(
    user: int, owner: str, name: str, repository: int, claimed: bool
) -> None:
    made = service_id(user, owner, name, repository, claimed=claimed)
    assert re.fullmatch(r"github_[a-z0-9_-]*[a-z0-9]", made)
    assert len(made) <= 63
    assert made == service_id(user, owner, name, repository, claimed=claimed)


def test_one_cause_makes_one_deployment() -> None:
    cause = Cause(delivery="d-1")
    assert deployment_id(cause, "s") == deployment_id(Cause(delivery="d-1", at=99.0), "s")
    assert len(deployment_id(cause, "s")) == 32


def test_ordinal_service_and_delivery_each_make_another() -> None:
    ids = {deployment_id(Cause(delivery=d, ordinal=o), s) for d in ("a", "b") for o in (0, 1) for s in ("x", "y")}
    assert len(ids) == 8


def test_a_service_url_ends_in_a_slash_whatever_the_router_url_ends_in() -> None:
    assert service_url("https://r.example/", "github_1-a-b") == "https://r.example/github_1-a-b/"
    assert service_url("https://r.example", "github_1-a-b") == "https://r.example/github_1-a-b/"
