"""The errors people meet: each says what happened, why, and what to do about it."""

from __future__ import annotations


class WhaleRayError(Exception):
    """Base of every error that is worded for a person.

    `what` happened, `why` (may be empty when not known), and `mend`: what the reader does now.
    """

    def __init__(self, what: str, why: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.mend = mend

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.mend) if part)


class UserError(WhaleRayError):
    """The reader's repository, command or settings need a change; trying again changes nothing."""


class SettingsError(UserError):
    """A setting is missing or wrong (exit code 2)."""


class OurError(WhaleRayError):
    """A fault of WhaleRay's own; retried a bounded number of times, then a dead letter."""


class Outage(WhaleRayError):
    """Somebody else's service is slow, wrong or absent; the work is put back and tried again.

    `retry_after`: seconds to wait at least, where the other side said so.
    """

    def __init__(self, what: str, why: str = "", mend: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(what, why, mend)
        self.retry_after = retry_after


class Gone(WhaleRayError):
    """The repository, installation or permission is no longer there: nothing to wait for."""


class Conflict(WhaleRayError):
    """A conditional write lost its race: reload and converge."""
