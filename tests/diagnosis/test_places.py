"""A build machine's path is mapped to the one file of the repository that it can mean, or to none."""

from __future__ import annotations

import pytest

from bot.diagnosis.places import class_in, path_in

ONE = ["pom.xml", "src/main/java/com/acme/Shop.java", "src/main/kotlin/com/acme/Price.kt"]
TWO = [*(f"api/{path}" for path in ONE), *(f"web/{path}" for path in ONE)]
NESTED = ["src/main/java/com/acme/Shop.java", "web/src/main/java/com/acme/Shop.java"]


@pytest.mark.parametrize(
    ("named", "files", "meant"),
    [
        ("/workspace/source/src/main/java/com/acme/Shop.java", ONE, ONE[1]),
        ("file:///workspace/source/src/main/kotlin/com/acme/Price.kt", ONE, ONE[2]),
        ("C:\\work\\src\\main\\java\\com\\acme\\Shop.java", ONE, ONE[1]),
        ("./src/main/java/com/acme/Shop.java", ONE, ONE[1]),
        ("com/acme/Shop.java", ONE, ONE[1]),
        ("Shop.java", ONE, ONE[1]),
        ("/workspace/source/web/src/main/java/com/acme/Shop.java", TWO, TWO[4]),
        ("/workspace/source/web/src/main/java/com/acme/Shop.java", NESTED, NESTED[1]),
        ("/workspace/source/src/main/java/com/acme/Shop.java", NESTED, NESTED[0]),
        ("/app/src/main/java/com/acme/Shop.java", TWO[:3], TWO[1]),
        ("src/main/java/com/acme/Shop.java", TWO, None),
        ("src/main/java/com/acme/Shop.java", NESTED, None),
        ("pom.xml", TWO, None),
        ("/app/src/main/java/com/acme/Shop.java", TWO, None),
        ("/root/.m2/repository/com/other/Shop.java", ONE, None),
        ("rop.java", ONE, None),
        ("", ONE, None),
        ("/", ONE, None),
    ],
)
def test_a_path_means_one_file_or_none(named: str, files: list[str], meant: str | None) -> None:
    assert path_in(named, files) == meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("com.acme.Shop", ONE[1]),
        ("com.acme.Shop$Item", ONE[1]),
        ("com.acme.Price", ONE[2]),
        ("com.other.Shop", None),
        ("", None),
    ],
)
def test_a_class_means_the_source_of_its_outer_class(name: str, meant: str | None) -> None:
    assert class_in(name, ONE) == meant
