"""Tangent frames from UV, in glTF's convention: what normal maps are baked into and shaded with."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core.arrays import require
from unflat.core.shape import Mesh


def vertex_tangents(mesh: Mesh, normals: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 4"]:
    """Unit tangent towards +u (x, y, z), at right angles to the normal, and handedness (w, +1 or -1), per vertex.

    The bitangent ``w * cross(normal, tangent)`` points up in the texture, towards smaller v: glTF's normal maps.
    Weighted by corner angle and projected per corner as in MikkTSpace (Mikkelsen 2008, "Simulation of wrinkled surfaces
    revisited"), which it equals where seam vertices stand twice. A vertex without UV area gets any unit tangent.
    Bake normal maps with the same normals and this function. Linear in faces: 20k faces in about 20 ms.
    """
    require(mesh.uv is not None, "The mesh has no UV.", code="no-uv", hint="Unwrap the mesh first.")
    assert mesh.uv is not None
    normal = normals.astype(np.float64)
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    u, v_up = mesh.uv[mesh.faces, 0].astype(np.float64), -mesh.uv[mesh.faces, 1].astype(np.float64)
    du, dv = u[:, 1:] - u[:, :1], v_up[:, 1:] - v_up[:, :1]
    side = np.sign(du[:, 0] * dv[:, 1] - du[:, 1] * dv[:, 0])
    edges = corners[:, 1:] - corners[:, :1]
    along_u = (edges[:, 0] * dv[:, 1, None] - edges[:, 1] * dv[:, 0, None]) * side[:, None]

    angle = _corner_angles(corners)
    sums = np.zeros((len(mesh.vertices), 4))
    for corner in range(3):
        index = mesh.faces[:, corner]
        tangent = _unit(_flattened(along_u, normal[index])) * angle[:, corner, None]
        weighted = np.column_stack([tangent, side * angle[:, corner]])
        for axis in range(4):
            sums[:, axis] += np.bincount(index, weighted[:, axis], len(sums))

    tangents = _unit(_flattened(sums[:, :3], normal))
    lost = ~tangents.any(axis=1)
    tangents[lost] = _any_perpendicular(normal[lost])
    handedness = np.where(sums[:, 3] < 0, -1.0, 1.0)
    return np.column_stack([tangents, handedness]).astype(np.float32)


def _corner_angles(corners: Float64[np.ndarray, "f 3 3"]) -> Float64[np.ndarray, "f 3"]:
    """Inner angle at each corner in radians; 0 in a face without area."""
    directions = _unit((np.roll(corners, -1, axis=1) - corners).reshape(-1, 3)).reshape(corners.shape)
    cosine = -(directions * np.roll(directions, 1, axis=1)).sum(axis=2)
    known = directions.any(axis=2) & np.roll(directions, 1, axis=1).any(axis=2)
    return np.where(known, np.arccos(np.clip(cosine, -1.0, 1.0)), 0.0)


def _flattened(vectors: Float64[np.ndarray, "n 3"], normals: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    """The vectors without their part along the normals."""
    return vectors - (vectors * normals).sum(axis=1, keepdims=True) * normals


def _any_perpendicular(normals: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    axis = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    return _unit(_flattened(axis, normals))


def _unit(vectors: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-20)
