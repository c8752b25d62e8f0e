"""Lengths as people write them."""

from __future__ import annotations

import re

from unflat.core.errors import RecipeError

_METRES = {
    "m": 1.0, "metre": 1.0, "meter": 1.0,
    "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01,
    "mm": 0.001, "millimetre": 0.001, "millimeter": 0.001,
    "km": 1000.0, "kilometre": 1000.0, "kilometer": 1000.0,
    "um": 1e-6, "µm": 1e-6, "μm": 1e-6,
    "in": 0.0254, "inch": 0.0254, "inche": 0.0254, '"': 0.0254, "″": 0.0254, "”": 0.0254,
    "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "'": 0.3048, "′": 0.3048, "’": 0.3048,
    "yd": 0.9144, "yard": 0.9144,
}  # fmt: skip
"""Exact by definition (international yard, 1959). A plural "s" is taken off before looking up."""

_PIECE = re.compile(r"\s*([0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)\s*([^\s0-9.,+-]+)")


def parse_length_m(text: str) -> float:
    """Metres of a length such as ``12cm``, ``4 in``, ``0.3 m``, ``1,5 m``, ``5 ft 3 in``; a unit is required.

    Raises `RecipeError` (``bad-length``) for anything else, and for zero and negative lengths.
    """
    lowered = text.strip().lower()
    position, total = 0, 0.0
    while position < len(lowered):
        piece = _PIECE.match(lowered, position)
        unit = piece and _METRES.get(piece[2], _METRES.get(piece[2].removesuffix("s")))
        if piece is None or unit is None:
            raise _bad(text)
        total += float(piece[1].replace(",", ".")) * unit
        position = piece.end()
    if not 0.0 < total < float("inf"):
        raise _bad(text)
    return total


def _bad(text: str) -> RecipeError:
    return RecipeError(
        f"“{text}” is not a length.",
        code="bad-length",
        hint="Give a positive number with its unit, such as 12cm, 300 mm, 0.3m, 4in or 5 ft 3 in.",
    )
