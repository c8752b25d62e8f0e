"""Whether a camera only turned on the spot: then nothing tells depth, and what a mapper finds is made up.

Photos from one place map onto each other by homographies K2 R K1^-1 (Hartley 1994); those of a flat thing from several
places do so by others, unless its plane stays parallel to the picture and the lens is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

_FOCALS = np.geomspace(0.4, 4.0, 40)
"""Focal lengths that are tried where none is known, as shares of the longer side: from very wide to a telephoto."""
_NEAR_KNOWN = np.linspace(0.85, 1.15, 7)
"""And as shares of one that EXIF tells, which is rounded, and changes with the distance that was focused at."""
_ERROR = 0.004
"""Mean distance between a homography and the nearest turn, as a share of the longer side."""
_ROUNDS, _FINER = 4, 9
"""Of looking for the focal length, each time between the neighbours of the best one so far."""
_GRID = 6
"""Places along each side at which a homography and a turn are compared."""


@dataclass(frozen=True, eq=False)
class PicturePair:
    """Two pictures and the homography that explains what they share."""

    homography: Float64[np.ndarray, "3 3"]
    """Second from first, in pixels whose first centre is (0.5, 0.5)."""
    sizes: tuple[tuple[int, int], tuple[int, int]]
    """Width and height of each."""
    focals_px: tuple[float | None, float | None]
    matches: int


def only_turned(pairs: Sequence[PicturePair]) -> bool:
    """Whether one focal length makes (at least half of the matches in) all pairs those of a turning camera."""
    if not pairs:
        return False
    known = all(focal is not None for pair in pairs for focal in pair.focals_px)
    shares: Float64[np.ndarray, "n"] = _NEAR_KNOWN if known else _FOCALS
    matches = np.array([pair.matches for pair in pairs], np.float64)
    for _ in range(_ROUNDS):
        errors = [_median([_error(pair, float(share), known) for pair in pairs], matches) for share in shares]
        best = int(np.argmin(errors))
        if errors[best] < _ERROR:
            return True
        shares = np.linspace(shares[max(best - 1, 0)], shares[min(best + 1, len(shares) - 1)], _FINER)
    return False


def _error(pair: PicturePair, share: float, known: bool) -> float:
    """Mean distance between the homography and the nearest turn where the pictures overlap, as a share of a side."""
    focals = pair.focals_px if known else (None, None)
    first, second = (_intrinsics(size, focal, share) for size, focal in zip(pair.sizes, focals, strict=True))
    planar = np.linalg.inv(second) @ pair.homography @ first
    size = np.cbrt(np.linalg.det(planar))
    if not np.isfinite(planar).all() or abs(size) < 1e-12:
        return np.inf
    left, _, right = np.linalg.svd(planar / size)
    turn = second @ (left @ right) @ np.linalg.inv(first)
    width, height = pair.sizes[0]
    u, v = np.meshgrid(np.linspace(0, width, _GRID), np.linspace(0, height, _GRID))
    places = np.column_stack([u.ravel(), v.ravel(), np.ones(u.size)])
    there, turned = _pixels(pair.homography, places), _pixels(turn, places)
    shared = ((there >= 0) & (there <= pair.sizes[1])).all(axis=1)
    if not shared.any():
        return np.inf
    return float(np.linalg.norm(there - turned, axis=1)[shared].mean()) / max(pair.sizes[1])


def _intrinsics(size: tuple[int, int], focal_px: float | None, share: float) -> Float64[np.ndarray, "3 3"]:
    focal = share * (max(size) if focal_px is None else focal_px)
    return np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])


def _pixels(homography: Float64[np.ndarray, "3 3"], places: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 2"]:
    mapped = places @ homography.T
    return np.asarray(mapped[:, :2] / np.where(np.abs(mapped[:, 2:]) > 1e-12, mapped[:, 2:], np.nan))


def _median(values: Sequence[float], weights: Float64[np.ndarray, "n"]) -> float:
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / weights.sum()
    return float(values[order[int(np.searchsorted(below, 0.5))]])
