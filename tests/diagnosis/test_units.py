"""What belongs together stays together."""

import pytest

from bot.diagnosis.units import units

TRACE = """\
Exception in thread "main" java.lang.IllegalStateException: no context
\tat com.acme.Main.run(Main.java:12)
\tat com.acme.Main.main(Main.java:5)
Caused by: java.net.BindException: Address already in use
\tat java.base/sun.nio.ch.Net.bind0(Native Method)
\t... 12 more"""
JAVAC = """\
src/main/java/com/acme/Shop.java:24: error: cannot find symbol
        return PriceFormatter.format(price);
               ^
  symbol:   variable PriceFormatter
  location: class Shop"""
MAVEN = """\
[ERROR] /src/main/java/com/acme/Shop.java:[24,16] cannot find symbol
[ERROR]   symbol:   variable PriceFormatter
[ERROR]   location: class com.acme.Shop"""
GRADLE = """\
Execution failed for task ':compileJava'.
> Could not resolve all files
   > Could not find com.acme:none:1.0"""
PYTHON = """\
Traceback (most recent call last):
  File "main.py", line 3, in <module>
    import nothing"""
TEST = """\
ShopTest > adds() FAILED
    org.opentest4j.AssertionFailedError: expected: <2> but was: <3>
        at app//com.acme.ShopTest.adds(ShopTest.java:9)"""
DOCKER = """\
#9 ERROR: process "/bin/sh -c ./mvnw package" did not complete successfully: exit code: 1
   > [build 4/4] RUN ./mvnw package:"""


@pytest.mark.parametrize("text", [TRACE, JAVAC, MAVEN, PYTHON, TEST, DOCKER])
def test_a_unit_is_one(text: str) -> None:
    lines = ["[INFO] before", *text.split("\n"), "[INFO] after"]
    inside = units(lines)[1:-1]
    assert set(inside) == {1}
    assert units(lines)[-1] != 1


def test_an_empty_line_ends_a_unit() -> None:
    assert units(["error: a", "  b", "", "  c"]) == [0, 0, 2, 3]


def test_lines_side_by_side_are_units_of_their_own() -> None:
    assert units(["error: a", "error: b", "  of b"]) == [0, 1, 1]


def test_springs_box_is_one_with_its_empty_lines() -> None:
    box = [
        "APPLICATION FAILED TO START",
        "****",
        "",
        "Description:",
        "",
        "Port 8080 was already in use.",
        "",
        "Action:",
    ]
    lines = [*box, "", "Stop the other.", "", "2024-05-01T10:11:12.000Z  INFO shutting down"]
    assert units(lines) == [0] * 11 + [11]


def test_gradles_what_went_wrong_is_one_and_ends_where_the_advice_begins() -> None:
    lines = ["* What went wrong:", "Execution failed.", "> No such file", "", "* Try:", "> Run with --info"]
    assert units(lines) == [0, 0, 0, 0, 4, 5]
