"""The inflation of an outline as a picture: where single-view networks start from."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32

from unflat.geometry.inflation import squared_height

_GRID = 64
"""Poisson's equation is solved on a grid of this size whatever the mask's: 10 ms, and the same start everywhere."""
_THINNEST = 0.02
"""Half thickness in half squares of what is too thin for the grid: a wire has one, too."""


def inflated_thickness(alpha: Float32[np.ndarray, "s s"]) -> Float32[np.ndarray, "s s"]:
    """Half the thickness of the inflated outline in half squares, 0 outside; the mask is a square of any size.

    See `unflat.geometry.inflation.squared_height` for the equation.
    """
    size = len(alpha)
    grid = cv2.resize(alpha, (_GRID, _GRID), interpolation=cv2.INTER_AREA if size > _GRID else cv2.INTER_LINEAR)
    inside = (grid > 0.5).astype(np.uint8)
    border = np.pad(inside, 1)
    within = cv2.distanceTransform(border, cv2.DIST_L2, 5)[1:-1, 1:-1]
    outside = cv2.distanceTransform(1 - border, cv2.DIST_L2, 5)[1:-1, 1:-1]
    inward = np.where(inside > 0, within - 0.5, 0.5 - outside).astype(np.float32)
    squared, _ = squared_height(inward)
    squared = np.maximum(squared, 0).astype(np.float32) * np.float32(2 / _GRID) ** 2
    fine = np.maximum(cv2.resize(squared, (size, size), interpolation=cv2.INTER_LINEAR), 0)
    return np.where(alpha > 0, np.sqrt(fine + np.float32(_THINNEST**2)), 0).astype(np.float32)
