"""Cameras of pictures that EXIF turns: some programs align the pixels as stored, our photos are upright."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unflat.core.camera import Camera

_QUARTER_TURNS = {1: 0, 6: 1, 3: 2, 8: 3}
"""Clockwise, that make a stored picture upright (EXIF 2.3, section 4.6.4 A)."""

_RIGHT_IS_UP = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""Axes of a camera whose picture was turned once clockwise, in those of the picture before: right was up."""


def upright_camera(stored: Camera, exif_orientation: int) -> Camera:
    """The camera of the upright picture, from that of the pixels as stored. EXIF orientations 1, 3, 6 and 8.

    Raises `KeyError` for the mirrored orientations, which no camera writes.
    """
    for _ in range(_QUARTER_TURNS[exif_orientation]):
        stored = _turned_clockwise(stored)
    return stored


def _turned_clockwise(camera: Camera) -> Camera:
    """u becomes v, and v runs from right to left."""
    k1, k2, p1, p2, k3 = camera.distortion
    return replace(
        camera,
        width_px=camera.height_px,
        height_px=camera.width_px,
        fx=camera.fy,
        fy=camera.fx,
        cx=camera.height_px - camera.cy,
        cy=camera.cx,
        world_from_camera=camera.world_from_camera @ _RIGHT_IS_UP,
        distortion=(k1, k2, p2, -p1, k3),
    )
