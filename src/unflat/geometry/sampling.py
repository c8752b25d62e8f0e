"""Points spread evenly over a surface."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32

from unflat.core import Mesh
from unflat.geometry.meshes import face_areas


def sample_faces(
    mesh: Mesh, count: int, seed: int = 0
) -> tuple[Int32[np.ndarray, "count"], Float64[np.ndarray, "count 3"]]:
    """Faces and barycentric weights of points spread evenly by area; the same for the same seed. Linear in both.

    One draw per equal share of the area (stratified) keeps the points from clumping. Square root method of Turk (1990).
    """
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(face_areas(mesh))
    share = (np.arange(count) + rng.random(count)) / count * cumulative[-1]
    faces = np.minimum(np.searchsorted(cumulative, share, side="right"), len(mesh.faces) - 1)
    root, across = np.sqrt(rng.random(count)), rng.random(count)
    return faces.astype(np.int32), np.column_stack([1 - root, root * (1 - across), root * across])


def points_on_faces(
    mesh: Mesh, faces: Int32[np.ndarray, "n"], barycentric: Float64[np.ndarray, "n 3"]
) -> Float64[np.ndarray, "n 3"]:
    """World positions of points given by face and barycentric weights."""
    return np.einsum("nk,nkc->nc", barycentric, mesh.triangles[faces].astype(np.float64))
