"""All backends that this install knows: ours and those of other packages, through one door."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.metadata import entry_points

from unflat.core.errors import RecipeError
from unflat.stages.card import Card

ENTRY_POINT_GROUP = "unflat.backends"
"""Each entry point names a tuple of `Card`."""


@lru_cache(maxsize=1)
def all_cards() -> tuple[Card, ...]:
    """Every declared backend, by stage and name. Reads entry points once; imports no backend."""
    cards: dict[tuple[str, str], Card] = {}
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name != "builtin"):
        for card in entry.load():
            cards.setdefault((card.stage, card.name), card)
    return tuple(cards.values())


def find_card(stage: str, name: str) -> Card:
    """The card of a backend. Raises `RecipeError` with the nearest name."""
    names = {card.name: card for card in all_cards() if card.stage == stage}
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise RecipeError(
            f"There is no {stage} backend “{name}”.",
            code="unknown-backend",
            hint=(f"Did you mean “{near[0]}”? " if near else "") + f"Known: {', '.join(names)}.",
        )
    return names[name]
