"""The parts of a relief that are pure: depth from what a map holds, the unseen back, the normal pose and size."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core.camera import Camera
from unflat.core.conventions import front_rotation
from unflat.geometry.depth_grid import WholeDepth
from unflat.geometry.nearness import depth_of_nearness

DepthKind = Literal["depth", "disparity", "relative"]
"""What a map holds: z-depth; disparity (inverse depth, up to a factor); or relative (as disparity, offset unknown)."""

_ROBUST_PERCENTILES = (1.0, 99.0)
"""Ends of a relative map's range; what lies beyond them by more than a fifth of it is clipped."""
_BEYOND_RANGE = 0.2
_SAMPLES_PER_LEVEL = 8
"""A map that uses each of its numbers this often was stored in few levels: an 8-bit picture, whole millimetres."""
_FEWEST_LEVELS = 24
"""With fewer numbers they are things, such as two walls, rather than the terraces of a slope."""
_LEVEL_SAMPLES = 100_000
"""Enough of a map to tell how it was stored."""
_LAST_DROP = float(np.sqrt(0.5) / (np.sqrt(1.5) - np.sqrt(0.5)))
"""From half a sample inside a round rim to the rim itself the depth falls by so many of the last steps between samples,
since it grows as the square root of the distance to the rim."""
_RIM_ROUNDS = 3
"""Reweighting rounds of the plane through the outline: enough to shed the parts that lean out of it."""


def assumed_camera(width_px: int, height_px: int, focal_px: float) -> Camera:
    """A pinhole camera at the origin that looks level at an object's front, principal point in the middle."""
    pose = np.eye(4)
    pose[:3, :3] = front_rotation()
    return Camera(width_px, height_px, focal_px, focal_px, width_px / 2, height_px / 2, pose)


def focal_of_field_of_view(width_px: int, height_px: int, diagonal_deg: float) -> float:
    """Focal length in pixels for a field of view across the picture's diagonal."""
    return float(np.hypot(width_px, height_px) / (2 * np.tan(np.radians(diagonal_deg) / 2)))


def depth_of_map(
    values: Float64[np.ndarray, "*shape"],
    kind: DepthKind,
    *,
    far_over_near: float,
    object_values: Float64[np.ndarray, "n"],
) -> Float64[np.ndarray, "*shape"]:
    """z-depth of what a map holds. Disparity and relative maps give depths near 1, whose unit is unknown.

    A relative map has neither a known factor nor a known offset; both follow from `far_over_near`, the ratio of the
    object's farthest to its nearest depth. `object_values` are the map's known values on the object.
    """
    if kind == "depth":
        return values
    if kind == "disparity":
        return np.asarray(np.median(object_values) / values)
    low, high = np.percentile(object_values, _ROBUST_PERCENTILES)
    share = (values - low) / (high - low) if high > low else values - values + 1.0
    share = np.clip(share, -_BEYOND_RANGE, 1 + _BEYOND_RANGE)
    nearness = (1 + share * (far_over_near - 1)) / far_over_near
    return np.asarray(1 / np.maximum(nearness, 0.5 / far_over_near))


def level_step(values: Float64[np.ndarray, "n"]) -> float:
    """Distance between neighbouring numbers of a map that was stored in few levels; 0 for a fine one."""
    some = values[:: max(1, len(values) // _LEVEL_SAMPLES)]
    levels = np.unique(some)
    if len(levels) < _FEWEST_LEVELS or len(levels) * _SAMPLES_PER_LEVEL > len(some):
        return 0.0
    return float(np.min(np.diff(levels)))


def back_plate(whole: WholeDepth, thickness: float) -> float:
    """Depth of a flat plate, `thickness` behind the deepest point."""
    return float(np.max(depth_of_nearness(whole.camera, whole.nearness[whole.coverage > 0.5]))) + thickness


def mirrored_back(whole: WholeDepth) -> Float32[np.ndarray, "h w"]:
    """Depth of the front mirrored in the plane through its outline (a robust fit); at least the front's own depth."""
    rim = _rim(whole)
    depth = depth_of_nearness(whole.camera, whole.nearness)
    plane = depth_of_nearness(whole.camera, _plane_through(_carried_to_the_outline(whole), rim))
    return np.maximum(2 * plane - depth, depth).astype(np.float32)


def shell_back(whole: WholeDepth, thickness: float) -> Float32[np.ndarray, "h w"]:
    """Depth of a skin `thickness` behind the front, along the view."""
    return (depth_of_nearness(whole.camera, whole.nearness) + thickness).astype(np.float32)


def width_of_sample(whole: WholeDepth) -> float:
    """Width of a sample in metres at the object's median depth."""
    depth = np.median(depth_of_nearness(whole.camera, whole.nearness[whole.coverage > 0.5]))
    return (float(depth) if whole.camera.projection == "perspective" else 1.0) * 2 / (whole.camera.fx + whole.camera.fy)


def longer_side(whole: WholeDepth) -> int:
    """Longer side of the outline in samples."""
    inside = whole.coverage > 0.5
    return int(max(np.count_nonzero(inside.any(axis=axis)) for axis in (0, 1)))


def centring_similarity(
    vertices: Float32[np.ndarray, "n 3"], front: Float32[np.ndarray, "m 3"], *, unit_size: bool
) -> Float64[np.ndarray, "4 4"]:
    """Moves the middle of the vertices' box to the origin; `unit_size`: the front's longer side becomes 1 long."""
    low, high = vertices.min(axis=0).astype(np.float64), vertices.max(axis=0).astype(np.float64)
    scale = 1 / float(np.ptp(front[:, :2], axis=0).max()) if unit_size else 1.0
    similarity = np.diag([scale, scale, scale, 1.0])
    similarity[:3, 3] = -scale * (low + high) / 2
    return similarity


def _rim(whole: WholeDepth) -> np.ndarray:
    inside = np.pad(whole.coverage > 0.5, 1)
    core = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    return inside[1:-1, 1:-1] & ~core


def _carried_to_the_outline(whole: WholeDepth) -> Float64[np.ndarray, "h w"]:
    """The nearness that the surface of each rim sample has at its outline, where it turns away from the viewer."""
    inside = np.pad(np.where(whole.coverage > 0.5, whole.nearness, np.nan), 1, constant_values=np.nan)
    centre = inside[1:-1, 1:-1]
    up, down, left, right = inside[:-2, 1:-1], inside[2:, 1:-1], inside[1:-1, :-2], inside[1:-1, 2:]
    inwards = [
        np.where(np.isnan(outer), inner - centre, 0.0)
        for inner, outer in ((up, down), (down, up), (left, right), (right, left))
    ]
    drop = np.fmax.reduce([np.zeros_like(centre), *inwards])
    return whole.nearness - _LAST_DROP * drop


def _plane_through(nearness: np.ndarray, rim: np.ndarray) -> Float64[np.ndarray, "h w"]:
    """The plane nearest to the rim's samples in the sense of least absolute deviations."""
    rows, columns = np.nonzero(rim)
    height, width = nearness.shape
    target = nearness[rim]
    system = np.column_stack([columns / width, rows / height, np.ones(len(rows))])
    weight = np.ones(len(rows))
    solution = np.zeros(3)
    for _ in range(_RIM_ROUNDS):
        solution = np.linalg.lstsq(system * weight[:, None], target * weight, rcond=None)[0]
        error = np.abs(system @ solution - target)
        weight = 1 / np.sqrt(np.maximum(error, 1e-3 * np.abs(target).max() + 1e-12))
    row, column = np.mgrid[0:height, 0:width]
    plane = solution[0] * column / width + solution[1] * row / height + solution[2]
    return np.clip(plane, target.min(), target.max())
