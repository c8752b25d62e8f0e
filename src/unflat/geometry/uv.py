"""Facts of a UV layout: areas, mirrored charts, texel density, overlap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core import Mesh
from unflat.core.arrays import require
from unflat.geometry.meshes import face_areas
from unflat.geometry.raycast import RayCaster

_UNALIGNED = 0.381966
"""Where in its cell a texel is probed: off centre, because layouts like to put edges exactly on centres and corners."""
_SHRINK = 1e-4
"""Faces are drawn in by this share before they are probed: neighbours that share an edge don't overlap."""


def uv_signed_area(mesh: Mesh) -> Float64[np.ndarray, "f"]:
    """UV area of each face; positive where the texture is seen unmirrored from outside. Raises without UV."""
    require(mesh.uv is not None, "The mesh has no UV.", code="no-uv", hint="Unwrap the mesh first.")
    assert mesh.uv is not None
    corners = mesh.uv[mesh.faces].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    # v grows downwards, so counter-clockwise on the surface is clockwise in the numbers
    return (first[:, 1] * second[:, 0] - first[:, 0] * second[:, 1]) / 2


def uv_area_ratio(mesh: Mesh) -> Float64[np.ndarray, "f"]:
    """UV area per square metre of surface, per face; 0 for a face without area."""
    areas = face_areas(mesh)
    return np.divide(np.abs(uv_signed_area(mesh)), areas, out=np.zeros_like(areas), where=areas > 0)


def uv_overlap(mesh: Mesh, size_px: int = 1024) -> float:
    """Share of the used texels that more than one face claims, 0..1; NaN if no texel is used.

    UV outside 0..1 is brought back by whole numbers, face by face, as a repeating texture does it. The layout is laid
    flat with each face at a height of its own; where rays from above and from below meet different faces, two or more
    lie there. Linear in texels: 1024 in about 0.5 s. Overlaps narrower than a texel may be missed.
    """
    require(mesh.uv is not None, "The mesh has no UV.", code="no-uv", hint="Unwrap the mesh first.")
    assert mesh.uv is not None
    corners = mesh.uv[mesh.faces].astype(np.float64)
    corners -= np.floor(corners.mean(axis=1, keepdims=True))
    corners += _SHRINK * (corners.mean(axis=1, keepdims=True) - corners)
    heights = (np.arange(len(corners)) + 1.0) / len(corners)
    flat = np.dstack([corners, np.broadcast_to(heights[:, None], corners.shape[:2])]).astype(np.float32)
    faces = np.arange(3 * len(flat), dtype=np.int32).reshape(-1, 3)
    caster = RayCaster(replace(mesh, vertices=flat.reshape(-1, 3), faces=faces, uv=None, normals=None, colors=None,
                               confidence=None))  # fmt: skip
    steps = ((np.arange(size_px) + _UNALIGNED) / size_px).astype(np.float32)
    u, v = np.meshgrid(steps, steps)
    above = np.column_stack([u.ravel(), v.ravel(), np.full(u.size, 2, np.float32)])
    highest = caster.cast(above, _downwards(len(above))).face
    used = highest >= 0
    if not used.any():
        return float("nan")
    below = above[used] * np.array([1, 1, -1], np.float32)
    lowest = caster.cast(below, -_downwards(len(below))).face
    return float(((lowest != highest[used]) & (lowest >= 0)).mean())


def mirrored_faces(mesh: Mesh) -> Bool[np.ndarray, "f"]:
    """Whether a face shows its texture mirrored."""
    return np.asarray(uv_signed_area(mesh) < 0)


def _downwards(count: int) -> Float32[np.ndarray, "count 3"]:
    return np.tile(np.array([0, 0, -1], np.float32), (count, 1))
