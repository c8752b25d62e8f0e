"""How a thing comes to rest on a table."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.spatial import ConvexHull, QhullError

from unflat.core.shape import Mesh
from unflat.geometry.meshes import signed_volume

_MOST_HULL_POINTS = 1000
_SAME_PLANE_DEG = 1.0
"""Hull faces tilted less than this against each other are one side to rest on."""


def most_stable_down(mesh: Mesh) -> Float64[np.ndarray, "3"] | None:
    """The outward direction of the side of the convex hull on which the thing rests most surely; None if it is flat.

    The side that takes the largest solid angle as seen from the centre of mass (uniform density; of the hull where the
    mesh is open), which is how likely a tossed thing comes to rest on it (Goldberg et al. 1999), among those over which
    the centre of mass lies. Linear in the vertices: the hull is taken of at most 1,000 outermost ones.
    """
    vertices = _outermost(mesh.vertices.astype(np.float64))
    try:
        hull = ConvexHull(vertices)
    except QhullError:
        return None
    normals, offsets = hull.equations[:, :3], hull.equations[:, 3]
    corners = vertices[hull.simplices]
    corners[_inward(corners, normals)] = corners[_inward(corners, normals)][:, ::-1]
    centre = _centre_of_mass(mesh.triangles.astype(np.float64) if signed_volume(mesh) > 0 else corners)
    if (normals @ centre + offsets > 0).any():
        centre = _centre_of_mass(corners)
    angle = _solid_angles(corners - centre)
    alike = normals @ normals.T > np.cos(np.deg2rad(_SAME_PLANE_DEG))
    total = alike @ angle
    foot = centre - (normals @ centre + offsets)[:, None] * normals
    stable = (foot @ normals.T + offsets <= 1e-6 * np.abs(vertices).max()).all(axis=1)
    best = int(np.where(stable, total, -1.0).argmax())
    return np.asarray(normals[best])


def _outermost(vertices: Float64[np.ndarray, "v 3"]) -> Float64[np.ndarray, "n 3"]:
    """The outermost vertex in each of many evenly spread directions; all vertices where they are few."""
    if len(vertices) <= _MOST_HULL_POINTS:
        return vertices
    step = np.arange(_MOST_HULL_POINTS) + 0.5
    height, turn = 1 - 2 * step / _MOST_HULL_POINTS, step * np.pi * (3 - np.sqrt(5))
    around = np.sqrt(1 - height**2)
    directions = np.column_stack([around * np.cos(turn), height, around * np.sin(turn)])
    directions = np.concatenate([directions, np.eye(3), -np.eye(3)])
    farthest = [int((vertices @ direction).argmax()) for direction in directions]
    return vertices[np.unique(farthest)]


def _inward(corners: Float64[np.ndarray, "f 3 3"], normals: Float64[np.ndarray, "f 3"]) -> np.ndarray:
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(np.einsum("fi,fi->f", cross, normals) < 0)


def _centre_of_mass(corners: Float64[np.ndarray, "f 3 3"]) -> Float64[np.ndarray, "3"]:
    """Of the solid between closed, outward triangles."""
    middle = corners.mean(axis=(0, 1))
    local = corners - middle
    volume = np.einsum("fi,fi->f", local[:, 0], np.cross(local[:, 1], local[:, 2]))
    return middle + (volume[:, None] * local.sum(axis=1)).sum(axis=0) / (4 * volume.sum())


def _solid_angles(corners: Float64[np.ndarray, "f 3 3"]) -> Float64[np.ndarray, "f"]:
    """Solid angle of each triangle seen from the origin, in steradian (Van Oosterom and Strackee 1983)."""
    a, b, c = np.moveaxis(corners, 1, 0)
    la, lb, lc = (np.linalg.norm(corner, axis=1) for corner in (a, b, c))
    triple = np.einsum("fi,fi->f", a, np.cross(b, c))
    below = la * lb * lc + _dot(a, b) * lc + _dot(b, c) * la + _dot(c, a) * lb
    return np.abs(2 * np.arctan2(triple, below))


def _dot(a: Float64[np.ndarray, "f 3"], b: Float64[np.ndarray, "f 3"]) -> Float64[np.ndarray, "f"]:
    return np.einsum("fi,fi->f", a, b)
