"""Nearness: the depth-like quantity that is affine over the picture on every plane.

For a perspective camera it is the inverse depth, for an orthographic one the negative depth; larger is nearer. Filling,
smoothing and extrapolating it leaves planes planes, which the same steps on depth would not.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unflat.core.camera import Camera


def nearness_of_depth(camera: Camera, depth: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Nearness of z-depths; NaN stays NaN."""
    return 1.0 / depth if camera.projection == "perspective" else -depth


def depth_of_nearness(camera: Camera, nearness: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """The z-depths again: inverts `nearness_of_depth`."""
    return 1.0 / nearness if camera.projection == "perspective" else -nearness


def depth_steps_to_nearness(camera: Camera, nearness: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """How much the nearness changes for a step in depth of one sample's width at that depth (to first order)."""
    pixels_per_unit = (camera.fx + camera.fy) / 2
    return (nearness if camera.projection == "perspective" else np.ones_like(nearness)) / pixels_per_unit
