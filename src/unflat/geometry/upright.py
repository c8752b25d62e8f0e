"""Standing a thing upright that was photographed from above, below or aslant."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unflat.core.conventions import UP_AXIS
from unflat.geometry.similarities import rotation_between

_STEEP = 0.94
"""Cosine between up and the view from which the thing is seen from straight above or below (20°): then the shortest
turn is taken, which lays the top of the picture to the back."""


def upright_rotation(up: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The turn of the world that takes the unit direction `up` to +Y and keeps the side towards +Z to the front."""
    if abs(up[2]) > _STEEP:
        return rotation_between(up, UP_AXIS)
    front = np.array([0.0, 0.0, 1.0]) - up * up[2]
    front /= np.linalg.norm(front)
    return np.stack([np.cross(up, front), up, front])
