"""How thick a closed body's walls are."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unflat.core import Mesh
from unflat.geometry.meshes import face_normals
from unflat.geometry.raycast import RayCaster
from unflat.geometry.sampling import points_on_faces, sample_faces

_SAMPLES = 20_000
"""Surface points measured: the 1st percentile rests on 200 of them."""
_LIFT = 1e-6
"""Rays start this share of the diagonal below the surface, beyond the rounding of float32."""


def wall_thickness(mesh: Mesh, count: int = _SAMPLES, seed: int = 0) -> Float64[np.ndarray, "n"]:
    """Thickness in metres under points spread evenly over the surface of a closed mesh that is turned outwards.

    It is the way from the point straight inwards to where the body ends. Points whose ray does not leave through an
    inner side are left out; that happens only where faces cross or are turned wrongly. 20k points in about 20 ms.
    """
    faces, barycentric = sample_faces(mesh, count, seed)
    normals = face_normals(mesh)
    lift = _LIFT * float(np.linalg.norm(mesh.extent))
    inwards = -normals[faces]
    origins = points_on_faces(mesh, faces, barycentric) + lift * inwards
    hits = RayCaster(mesh).cast(origins.astype(np.float32), inwards)
    leaves = hits.hit & (np.einsum("ij,ij->i", normals[hits.face], inwards) > 0)
    return hits.distance[leaves].astype(np.float64) + lift
