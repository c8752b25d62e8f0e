"""Rows that no method made: the truth itself, sampled anew, and the best that two layers of depth could do."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import distance_transform_edt

from unflat.bench.single_view_cases import Case
from unflat.bench.single_view_guess import Guess
from unflat.core import Camera, Part
from unflat.core.material import Material
from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.geometry.layers import Layers, closed_mesh_from_layers
from unflat.geometry.object_frame import FILL
from unflat.render.scene import Scene

LAYERS_PX = 128
"""Side of the square in which the true layers are taken."""


def truth_itself(case: Case) -> Guess:
    """The object: what is lost then, sampling and alignment lose."""
    return Guess(case.truth.part, case.camera)


def two_layers(case: Case) -> Guess:
    """The first surface seen from the front and the first from behind, exactly, joined along the outline."""
    assert case.view.mask is not None
    camera = square_camera(case.camera, case.view.mask.box).resized(LAYERS_PX, LAYERS_PX)
    front, back = first_and_last(case.truth.scene, camera)
    coverage = np.isfinite(front).astype(np.float32)
    layers = Layers(camera, _everywhere(front), _everywhere(back), coverage)
    return Guess(Part(closed_mesh_from_layers(layers), Material()), case.camera)


def square_camera(camera: Camera, box: tuple[int, int, int, int]) -> Camera:
    """The part of the camera that holds the box in its middle, its longer side `FILL` of the square's."""
    left, top, right, bottom = box
    side = round(max(right - left, bottom - top) / FILL)
    low_u, low_v = (left + right - side) // 2, (top + bottom - side) // 2
    return camera.cropped(low_u, low_v, low_u + side, low_v + side)


def first_and_last(scene: Scene, camera: Camera) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """z-depth of the first and the last surface on each pixel's ray, NaN where there is none."""
    origins, directions = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    far = np.float32(2 * np.abs(scene.points - camera.center).sum(axis=1).max())
    first = scene.caster.cast(origins, directions).distance
    last = far - scene.caster.cast(origins + far * directions, -directions).distance
    shape = (camera.height_px, camera.width_px)
    found = np.isfinite(first) & np.isfinite(last)
    front = np.where(found, first, np.nan).astype(np.float32)
    return front.reshape(shape), np.where(found, np.maximum(first, last), np.nan).astype(np.float32).reshape(shape)


def _everywhere(depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """The depth with unknown samples taking their nearest neighbour's."""
    nearest = distance_transform_edt(np.isnan(depth), return_distances=False, return_indices=True)
    return np.asarray(depth[tuple(nearest)])
