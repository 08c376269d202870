"""`.whaleray.yml`: everything in it has a meaning, and whatever is wrong is said at its line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no types, and is only asked yes or no
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.inspection import ConfigError, Configuration
from bot.inspection.config import RESERVED, parse
from bot.inspection.schema import schema

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA = DOCS / "whaleray.schema.json"


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.path == ".whaleray.yml"
    return caught.value


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "{}", "null", "branch:\nenv:\n", "\ufeff{}"])
def test_nothing_said_is_all_defaults(text: str) -> None:
    assert parse(text.removeprefix("\ufeff")) == Configuration()


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("auto: no", "auto", False),
        ("auto: True", "auto", True),
        ("wait_for_checks: yes", "wait_for_checks", True),
        ("path: ./services/web/", "path", "services/web"),
        ("path: .", "path", ""),
        ("path: '1.0'", "path", "1.0"),
        ("jdk: 21", "jdk", 21),
        ("port: '8081'", "port", 8081),
        ("memory: 768", "memory", 768),
        ("memory: 1g", "memory", 1024),
        ("memory: 2 GiB", "memory", 2048),
        ("memory: 512MB", "memory", 512),
        ("cpu: 0.5", "cpu", 0.5),
        ("env: {VERSION: 1.10, DEBUG: no, EMPTY: ''}", "env", {"VERSION": "1.10", "DEBUG": "no", "EMPTY": ""}),
        ("arguments: ['-P', \"-Dx=a b\"]", "arguments", ("-P", "-Dx=a b")),
        ("dockerfile: off", "dockerfile", False),
        ("dockerfile: docker/Dockerfile", "dockerfile", "docker/Dockerfile"),
        ("health: /actuator/health?probe=1", "health", "/actuator/health?probe=1"),
    ],
)
def test_a_value_means_what_it_says(text: str, field: str, value: object) -> None:
    assert getattr(parse(text), field) == value


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("jdk: 21\nprot: 8080\n", 2, "There is no key `prot`. Known are `branch`"),
        ("jdk: 7\n", 1, "`jdk` is wrong: input should be greater than or equal to 8"),
        ("\n\nport: eighty\n", 3, "`port` is wrong"),
        ("port: 80\n", 1, "greater than or equal to 1024"),
        ("path: ../other\n", 1, "`path` has to be a path inside the repository"),
        ("path: /etc\n../x: 1\n", 2, "There is no key"),
        ('path: "a\\nb"\n', 1, "`path` has to be"),
        ("path: -Pevil\n", 1, "`path` has to be"),
        ("health: actuator\n", 1, "`health` has to be a URL's path"),
        ('health: "/a\\r\\nX: y"\n', 1, "`health` has to be"),
        ('arguments:\n  - -Pa\n  - "a\\nb"\n', 3, "can't hold a line break"),
        ('arguments:\n  - -Pa\n  - "a\\0b"\n', 3, "can't hold a line break or NUL"),
        ("arguments: -Pa -Pb\n", 1, "`arguments` is wrong"),
        ("env:\n  A: 1\n  server_port: 2\n", 3, "`env.server_port` is set by WhaleRay itself"),
        ("env:\n  A: 1\n  WHALERAY_X: 2\n", 3, "is set by WhaleRay itself"),
        ("env:\n  A-B: 1\n", 2, "is no name of an environment variable"),
        ("env:\n  A: [1, 2]\n", 2, "`env.A` is wrong"),
        ("env:\n- A=1\n", 2, "`env` is wrong"),
        ("memory: lots\n", 1, "`memory` has to be MiB"),
        ("memory: 64m\n", 1, "greater than or equal to 128"),
        ("instances: 0\n", 1, "greater than or equal to 1"),
        ("cpu: .nan\n", 1, "`cpu` is wrong"),
        ("auto: maybe\n", 1, "`auto` is wrong"),
        ("jdk: 17\njdk: 21\n", 2, "This key is there twice"),
        ("a: &a 1\nb: *a\n", 2, "Aliases"),
        ("<<: {a: 1}\n", 1, "There is no key `<<`"),
        ("[1, 2]\n", 1, "It has to be keys and values"),
        ("just text\n", 1, "It has to be keys and values"),
        ("jdk: 17\n---\njdk: 21\n", 3, "It holds several documents"),
        ("jdk: [17\n", 2, "Mend that line"),
        ("jdk: 17\n\tport: 1\n", 2, "Mend that line"),
        ("? [a, b]\n: 1\n", 1, "A key has to be plain text"),
        ("env: " + "[" * 500 + "]" * 500, 1, "nested more than 20 deep"),
        ("env: {a: \x07}\n", 1, "a character that YAML doesn't allow"),
        ("branch: !!python/object/apply:os.system [reboot]\n", 1, "`branch` is wrong"),
        ("a: " + "x" * 70_000, 1, "is too long"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(text: str, line: int, says: str) -> None:
    error = refused(text)
    assert (error.line, says in str(error)) == (line, True), error


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_whaleray_sets_itself_can_not_be_set(name: str) -> None:
    assert refused(f"env:\n  {name}: x\n").line == 2


@given(st.text())
def test_any_text_is_a_configuration_or_an_error_with_a_line(text: str) -> None:
    try:
        parse(text)
    except ConfigError as error:
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 2


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_yaml_is_a_configuration_or_an_error_with_a_line(value: object) -> None:
    try:
        parse(yaml.safe_dump(value))
    except ConfigError as error:
        assert error.line >= 1


def test_the_schema_in_the_docs_is_the_models() -> None:
    """`python -m bot.inspection.schema > docs/whaleray.schema.json` writes it anew."""
    assert json.loads(SCHEMA.read_text()) == schema()


def test_the_docs_name_every_key_and_their_example_is_valid() -> None:
    page = (DOCS / "whaleray-yml.md").read_text()
    for key in Configuration.model_fields:
        assert f"`{key}`" in page
    example = page.split("```yaml\n", 1)[1].split("```", 1)[0]
    assert parse(example) != Configuration()
    jsonschema.validate(yaml.safe_load(example), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("memory: 1g", True),
        ("memory: 768", True),
        ("memory: lots", False),
        ("dockerfile: false", True),
        ("env: {PORT: x}", False),
        ("env: {GREETING: hi, RETRIES: 3, DEBUG: false}", True),
        ("env: {WHALERAY_X: x}", False),
        ("prot: 1", False),
        ("path: ../x", False),
        ("port: 80", False),
        ("arguments: [-Pa]", True),
    ],
)
def test_the_schema_says_what_the_parser_says(text: str, valid: bool) -> None:
    assert jsonschema.Draft202012Validator(schema()).is_valid(yaml.safe_load(text)) is valid
    if valid:
        parse(text)
    else:
        refused(text)
