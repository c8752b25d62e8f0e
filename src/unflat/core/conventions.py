"""The conventions of the house, stated once. Every other file refers to this one and restates nothing.

World
    Right-handed, +X right, +Y up, +Z towards the viewer, metres: the frame of glTF.
Camera
    OpenCV: +x right, +y down, +z forward. Poses are ``world_from_camera`` (4x4 float64); inner words cancel:
    ``world_from_b @ b_from_c == world_from_c``.
Pixel
    u right, v down; the centre of the first pixel is (0.5, 0.5). Intrinsics are in pixels, with the image size.
Depth
    z-depth along the camera's forward axis, NaN where unknown.
Surface
    Signed distance, negative inside, level 0. Faces are int32 and counter-clockwise seen from outside.
Colour
    Photos and base colour are uint8 sRGB; arithmetic is float32 linear; only ``core/color.py`` converts.
UV
    glTF: origin top left, u right, v down, so that ``texel = uv * (width, height)``.
Arrays
    float32, int32, uint8, bool; images are ``h w c``. Poses alone are float64, for chains of products.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

UP_AXIS = np.array([0.0, 1.0, 0.0])
"""The world's up."""


def front_rotation() -> Float64[np.ndarray, "3 3"]:
    """Rotation part of ``world_from_camera`` for a camera that looks at the object's front, level and upright.

    Camera x is world +X, camera y (down) is world -Y, camera z (forward) is world -Z.
    """
    return np.diag([1.0, -1.0, -1.0])
