"""Tracks: points of the scene that were found again in several photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from unflat.core.arrays import freeze_fields, require
from unflat.core.scale import Scale


@dataclass(frozen=True, eq=False)
class Tracks:
    """What structure from motion triangulated: n points, m observations of them in the views."""

    points: Float32[np.ndarray, "n 3"]
    """World."""
    colors: UInt8[np.ndarray, "n 3"]
    """sRGB."""
    error_px: Float32[np.ndarray, "n"]
    """Mean distance between where a point was seen and where it projects."""
    point_idx: Int32[np.ndarray, "m"]
    view_idx: Int32[np.ndarray, "m"]
    scale: Scale = Scale.UP_TO_SCALE
    """Whether the world of the points, and of the cameras that see them, is in metres."""

    def __post_init__(self) -> None:
        require(
            len(self.point_idx) == 0 or int(self.point_idx.max()) < len(self.points),
            "An observation is of a point that does not exist.",
            code="tracks-index",
            hint="Report this with the photos: the pose stage made it.",
        )
        freeze_fields(self, "points", "colors", "error_px", "point_idx", "view_idx")

    def seen_by(self, view_idx: int) -> Int32[np.ndarray, "k"]:
        """The points that a view sees."""
        return np.asarray(self.point_idx[self.view_idx == view_idx])
