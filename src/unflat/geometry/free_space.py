"""Free space: what photos look through, because the depth they agree on lies behind it."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from jaxtyping import Float32, Int32

from unflat.core import View
from unflat.geometry.cameras import project

_AROUND_PX = 5
"""Side of the square of pixels that must all lie behind a point: outlines are a pixel or two off."""
_DEPTH_SHARE = 0.01
"""Depths are not surer than this."""


def looked_through(points: Float32[np.ndarray, "n 3"], views: Iterable[View], slack: float) -> Int32[np.ndarray, "n"]:
    """For each point, how many views see something more than `slack` behind it. Linear in points times views.

    Views without depth and places where it is unknown say nothing.
    """
    counts = np.zeros(len(points), np.int32)
    for view in views:
        if view.depth is None or view.camera is None:
            continue
        nearest = cv2.erode(np.nan_to_num(view.depth.depth), np.ones((_AROUND_PX, _AROUND_PX), np.uint8))
        pixels, depth = project(view.camera, points.astype(np.float64))
        inside = ((pixels >= 0) & (pixels < nearest.shape[::-1])).all(axis=1)
        column, row = pixels[inside].astype(np.int64).T
        counts[inside] += nearest[row, column] > (1 + _DEPTH_SHARE) * depth[inside] + slack
    return counts
