"""The calls of AWS that WhaleRay makes, for its roles' policies: `infra/aws/operations.txt` lists them all.

What the tests call is held against it as they run (see `conftest`); here it is held against the code, since tests of
many processes each see but a part.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from botocore import xform_name  # type: ignore[import-untyped]  # it ships no types
from botocore.session import Session  # type: ignore[import-untyped]

from infra.aws import package
from tests.aws.recorder import LISTED, listed

CODE = package.ROOT / "infra" / "aws"
SERVICES = {
    "bedrock.py": ("bedrock-runtime",),
    "dynamo.py": ("dynamodb",),
    "inbox.py": ("sqs",),
    "queue.py": ("sqs",),
    "registry.py": ("servicediscovery", "s3"),
    "secrets.py": ("ssm",),
    "view.py": ("sqs",),
}
"""Whom each module calls."""
ASKED_BY_OPERATORS = "doctor.py"


@cache
def operations(service: str) -> dict[str, str]:
    """By the names that Python calls them by."""
    model = Session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def named(path: Path) -> Iterator[str]:
    """What a call in `path` is given first, where that is a name."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(args=[ast.Constant(value=str(name)), *_]):
                yield name


def called() -> set[str]:
    found = set()
    for path in CODE.rglob("*.py"):
        for name in named(path):
            for service in SERVICES.get(path.relative_to(CODE).as_posix(), ()):
                if name in operations(service):
                    found.add(f"{service}:{operations(service)[name]}")
    return found


def test_every_call_that_the_code_makes_is_listed_and_no_other() -> None:
    assert LISTED.read_text() == "".join(f"{each}\n" for each in sorted(called()))


def test_no_module_calls_aws_unseen() -> None:
    known = {name for service in package.SERVICES for name in operations(service)}
    unseen = {
        f"{path.relative_to(CODE)}: {name}"
        for path in CODE.rglob("*.py")
        if path.relative_to(CODE).as_posix() not in (*SERVICES, ASKED_BY_OPERATORS)
        for name in named(path)
        if name in known
    }
    assert not unseen


def test_a_call_that_is_not_listed_would_be_noticed() -> None:
    assert "dynamodb:Scan" not in listed()
    assert "dynamodb:GetItem" in listed()
