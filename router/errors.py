"""What keeps the router from running, worded for a person."""

from __future__ import annotations


class RouterError(Exception):
    """`what` happened, `why`, and the `mend`."""

    def __init__(self, what: str, why: str = "", mend: str = "") -> None:
        super().__init__(" ".join(part for part in (what, why, mend) if part))
        self.what = what
        self.why = why
        self.mend = mend
