"""Triangles of the zero level of a field."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64
from skimage.measure import marching_cubes

from unflat.core.errors import StageFailed
from unflat.core.shape import Field, Mesh
from unflat.geometry.topology import is_closed

_SNAP_SHARE = 0.01
"""Samples nearer to the level than this share of a voxel are moved off it, so that no triangle shrinks to a sliver."""
_UNTIE_SHARE = 1e-3
"""Change of the samples that decides ambiguous cells: moves vertices by less than a thousandth of a voxel."""


def isosurface(field: Field) -> Mesh:
    """The closed surface of a field by marching cubes (Lewiner et al. 2003), counter-clockwise from outside.

    Where the inside touches the border of the grid, the surface is closed there. Every edge has two faces; no face is
    without area. Vertices lie within 0.01 voxels of the linearly interpolated level. Works on the box around
    the inside only; 0.3 s where that is 256³. Raises `StageFailed` (``no-surface``) where nothing is inside.
    """
    inside = field.distance < 0
    if not inside.any():
        raise StageFailed(
            f"The field has no inside: its smallest distance is {float(field.distance.min()):g}, expected below 0.",
            code="no-surface",
            hint="Check the mask (it may be empty or too thin), or raise the resolution of the reconstruction.",
        )
    distance, start = _band_box(field.distance, inside)
    snap = np.float32(_SNAP_SHARE * min(field.voxel, float(np.abs(distance).max())))
    distance = np.where(np.abs(distance) < snap, np.where(distance < 0, -snap, snap), distance)
    vertices, faces = _marched(distance)
    if not is_closed(faces):  # only where corners of a cell tie exactly, as in a field of two values
        untie = np.random.default_rng(0).uniform(1 - _UNTIE_SHARE, 1, distance.shape).astype(np.float32)
        vertices, faces = _marched(distance * untie)
    world = (vertices.astype(np.float64) + start) * field.voxel + field.origin
    return Mesh(world.astype(np.float32), faces)


def _marched(
    distance: Float32[np.ndarray, "nx ny nz"],
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    vertices, faces, _, _ = marching_cubes(distance, 0.0, gradient_direction="descent", allow_degenerate=False)
    return vertices, np.ascontiguousarray(faces, np.int32)


def _band_box(
    distance: Float32[np.ndarray, "nx ny nz"], inside: Bool[np.ndarray, "nx ny nz"]
) -> tuple[Float32[np.ndarray, "mx my mz"], Int64[np.ndarray, "3"]]:
    """The field around its inside with one sample outside all around, and the index of its first sample."""
    crop, padding, start = [], [], []
    for axis, size in enumerate(distance.shape):
        used = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        low, high = int(used[0]) - 1, int(used[-1]) + 2
        crop.append(slice(max(low, 0), min(high, size)))
        padding.append((max(-low, 0), max(high - size, 0)))
        start.append(low)
    cropped = distance[tuple(crop)]
    outside = float(np.abs(cropped).max())
    return np.pad(cropped, padding, constant_values=outside), np.array(start)
