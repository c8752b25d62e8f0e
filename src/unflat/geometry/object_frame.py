"""The object's own frame: the square in which single-view networks see an object and say where its surfaces are.

The camera looks straight at the middle of the square, which holds the whole object. The unit of length is half the
square's width at the object's middle depth, so that neither size nor distance need be known: the camera stands
``1 / tan_half_fov`` before the origin, and a depth of 0 is the mean of the front and the back surface over the object.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from unflat.core import Camera
from unflat.core.conventions import front_rotation

FILL = 0.85
"""Share of the square that the longer side of the object's outline takes."""

LEAST_TAN_HALF_FOV = 0.02
"""A lens narrower than this can't be told from a parallel view."""


@dataclass(frozen=True, eq=False)
class ObjectLayers:
    """The first surface seen from the front and the first from behind, in the object's frame."""

    front: Float32[np.ndarray, "s s"]
    """Depth beyond the middle in half squares, growing away from the viewer. NaN outside the object."""
    back: Float32[np.ndarray, "s s"]
    """The same for the surface that is seen from behind: never before the front."""
    coverage: Float32[np.ndarray, "s s"]
    """Alpha of the object, 0..1."""
    tan_half_fov: float
    """Tangent of half the angle that the square takes in the eye of the camera."""


def object_camera(size_px: int, tan_half_fov: float) -> Camera:
    """The camera of the square: at +Z, upright, the object's middle at the origin; z-depth = ``1 / tan + depth``."""
    tangent = max(tan_half_fov, LEAST_TAN_HALF_FOV)
    pose = np.eye(4)
    pose[:3, :3] = front_rotation()
    pose[2, 3] = 1 / tangent
    focal = size_px / 2 / tangent
    return Camera(size_px, size_px, focal, focal, size_px / 2, size_px / 2, pose)
