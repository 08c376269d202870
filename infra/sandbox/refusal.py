"""An answer that is no success, in GitHub's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Refusal(Exception):
    """`violation`: the request itself was wrong, whoever had sent it; it is recorded for the tests to see."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Any] = (),
        *,
        headers: Mapping[str, str] | None = None,
        violation: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.violation = violation

    def body(self, documentation: str) -> dict[str, Any]:
        said: dict[str, Any] = {"message": self.message}
        if self.errors:
            said["errors"] = list(self.errors)
        return said | {"documentation_url": documentation, "status": str(self.status)}


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def invalid(*errors: Any) -> Refusal:
    """422 for a body that GitHub would refuse."""
    return Refusal(422, "Validation Failed", errors, violation=True)
