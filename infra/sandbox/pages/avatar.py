"""Avatars drawn from a number: nothing is fetched from anywhere."""

from __future__ import annotations

import hashlib
from html import escape

from infra.sandbox.records import Account


def svg(account: Account) -> str:
    """People are round, organisations and Apps square; a symmetric pattern, as people know it."""
    digest = hashlib.sha256(account.login.lower().encode()).digest()
    hue = int.from_bytes(digest[:2], "big") % 360
    colour, ground = f"hsl({hue} 55% 48%)", f"hsl({hue} 40% 90%)"
    radius = 48 if account.type == "User" else 14
    cells = "".join(
        f'<rect x="{13 + column * 14}" y="{13 + row * 14}" width="14" height="14"/>'
        for row in range(5)
        for column in range(5)
        if digest[2 + row * 3 + min(column, 4 - column)] & 1
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><title>{escape(account.login)}</title>'
        f'<clipPath id="c"><rect width="96" height="96" rx="{radius}"/></clipPath>'
        f'<g clip-path="url(#c)" fill="{colour}"><rect width="96" height="96" fill="{ground}"/>{cells}</g></svg>'
    )
