"""What Bedrock's models cost, in US dollars for a million tokens.

Sources, read in November 2026: platform.claude.com's model pages for the base prices (Haiku 5.5's holds for prompts of
at most 100,000 tokens, far above ours); AWS charges a tenth more where a profile keeps to one geography.
"""

from __future__ import annotations

from dataclasses import dataclass

_GEOGRAPHIES = ("us.", "eu.", "apac.", "jp.", "au.")
_GEOGRAPHIC = 1.1
_MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    read: float
    written: float


PRICES = {
    "anthropic.claude-haiku-5-5": Price(0.10, 0.50),
    "anthropic.claude-haiku-4-5": Price(1.00, 5.00),
    "anthropic.claude-sonnet-5-5": Price(2.00, 10.00),
    "anthropic.claude-opus-5-5": Price(4.00, 20.00),
}


def split(model: str) -> tuple[str, str]:
    """An inference profile's geography ("" for a model of one region), and the model's own id."""
    geography = next((prefix for prefix in (*_GEOGRAPHIES, "global.") if model.startswith(prefix)), "")
    return geography, model.removeprefix(geography)


def cost_usd(model: str, read: int, written: int) -> float:
    """Of so many tokens; 0 where the model's price isn't known. `model`: an id or an inference profile's."""
    geography, base = split(model)
    price = next((price for name, price in PRICES.items() if base.startswith(name)), None)
    if price is None:
        return 0.0
    factor = 1.0 if geography == "global." else _GEOGRAPHIC
    return factor * (price.read * read + price.written * written) / _MILLION
