"""Lengths that are known in the world and were marked in photos, and the scale that they give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, RecipeError
from unflat.geometry.lengths import parse_length_m
from unflat.geometry.triangulation import triangulated

MOST_APART = 0.05
"""Lengths that give scales further apart than this are not all right: none is believed."""

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_MARKED = re.compile(rf"\s*(.+?)\s+{_NUMBER}[,\s]\s*{_NUMBER}\s+{_NUMBER}[,\s]\s*{_NUMBER}\s*")
_EXAMPLE = "12cm = IMG_1.jpg 812,400 1510,420; IMG_2.jpg 640,380 1402,410"


@dataclass(frozen=True)
class KnownLength:
    """Two ends, marked in two photos or more, and how far they are apart."""

    metres: float
    marks: tuple[tuple[str, tuple[float, float, float, float]], ...]
    """Photo and u, v of one end and of the other, in pixels of the photo's file as it is seen upright."""


@dataclass(frozen=True)
class MeasuredLength:
    """A known length as it was found in a world without scale."""

    metres: float
    found: float
    """In units of that world."""
    error: float
    """Standard error of `found`, as a share of it, as far as the places in the photos tell."""


@dataclass(frozen=True)
class AgreedScale:
    """Metres in a unit of the world."""

    factor: float
    error: float
    """Standard error as a share: of what was measured, not of cameras that are bent alike or of a print's size."""


def parse_known_length(text: str) -> KnownLength:
    """A length and where its two ends are seen: ``12cm = IMG_1.jpg 812,400 1510,420; IMG_2.jpg 640,380 1402,410``.

    In each photo the same end comes first. Raises `RecipeError` (``bad-length``, ``bad-known-length``).
    """
    length, equals, rest = text.partition("=")
    marked = [_MARKED.fullmatch(part) for part in rest.split(";") if part.strip()]
    if not equals or not marked or not all(marked):
        raise _bad(f"“{text}” does not say which length is seen where.")
    marks = []
    for found in marked:
        assert found is not None
        name, *numbers = found.groups()
        u, v, other_u, other_v = (float(number) for number in numbers)
        if (u, v) == (other_u, other_v):
            raise _bad(f"Both ends of {length.strip()} are at the same place in “{name}”.")
        marks.append((name, (u, v, other_u, other_v)))
    if len({name for name, _ in marks}) < 2 or len({name for name, _ in marks}) < len(marks):
        raise _bad(f"{length.strip()} needs its ends marked in two photos or more, once in each.")
    return KnownLength(parse_length_m(length), tuple(marks))


def measured_length(
    metres: float, cameras: Sequence[Camera], ends: Float64[np.ndarray, "v 2 2"], tolerance_px: float
) -> MeasuredLength | None:
    """The distance of two points seen by v cameras at `ends` (pixels); None where the cameras do not agree on them."""
    found = triangulated(cameras, ends, tolerance_px)
    if found is None:
        return None
    first, second = found.points
    seen_px = float(np.median(np.linalg.norm(ends[found.agreeing, 0] - ends[found.agreeing, 1], axis=1)))
    count = int(found.agreeing.sum())
    error = np.sqrt(2) * found.error_px / max(seen_px, 1e-9) / np.sqrt(count - 1)
    return MeasuredLength(metres, float(np.linalg.norm(first - second)), float(error))


def agreed_scale(lengths: Sequence[MeasuredLength]) -> AgreedScale | None:
    """The median of what the lengths say; None where some differ from it by more than `MOST_APART`."""
    factors = np.array([length.metres / length.found for length in lengths if length.found > 0])
    if len(factors) == 0:
        return None
    factor = float(np.median(factors))
    if np.abs(factors / factor - 1).max() > MOST_APART:
        return None
    spread = 1.4826 * float(np.median(np.abs(factors / factor - 1)))  # of a normal distribution with this median
    by_places = float(np.median([length.error for length in lengths]))
    return AgreedScale(factor, float(max(spread, by_places) / np.sqrt(len(factors))))


def _bad(message: str) -> RecipeError:
    return RecipeError(message, code="bad-known-length", hint=f"Write for example “{_EXAMPLE}”.")
