"""Names and values of an application's environment variables: one rule, whoever sets them."""

from __future__ import annotations

import re

from bot.errors import UserError
from bot.inspection.config import RESERVED

MAX_VALUE = 32 * 1024
"""Bytes; Linux takes 128 KiB for one variable, and SSM's advanced parameters 8 KiB."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OURS = ("WHALERAY_", "LD_")
"""`LD_...` tells the loader what to load into the very tool that shuts the application in."""


def check(key: str, value: str) -> None:
    """Raises UserError for a variable that can't be set."""
    if not _NAME.fullmatch(key):
        raise UserError(
            f"{key[:60]!r} can't be the name of a variable.",
            "A name is of letters, digits and underscores, begins with no digit, and has at most 128 of them.",
            "Choose another name.",
        )
    if key.upper() in RESERVED | {"HOME"} or key.upper().startswith(_OURS):
        raise UserError(f"{key} is set by WhaleRay itself.", "", "Choose another name.")
    if not value:
        raise UserError(f"{key} needs a value.", "", "To remove one, delete it.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise UserError(f"The value of {key} is no text.", "It holds a NUL or a broken character.", "Encode it.")
    if (size := len(value.encode())) > MAX_VALUE:
        raise UserError(
            f"The value of {key} is too long.",
            f"It has {size} bytes; {MAX_VALUE} fit.",
            "Keep it in a store of its own.",
        )
