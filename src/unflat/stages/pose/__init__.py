"""Pose: where each photo was taken from. Views without cameras in, views with cameras and tracks out.

Photos that can't be placed are left out, each with a reason that is told as a warning.
"""

from __future__ import annotations

from typing import Protocol

from unflat.core import Context, Views


class PoseEstimator(Protocol):
    """Finds the cameras of photos of one unmoved scene.

    The world of the result is upright (+Y up, as well as it can be told), its scale is that of `Tracks.scale`.
    """

    def __call__(self, source: Views, context: Context) -> Views:
        """The views that could be placed, each with its camera, and the points that they share."""
        ...
