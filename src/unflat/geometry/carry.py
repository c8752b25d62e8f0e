"""Colours and confidence taken along when the triangles of a surface change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int32, Int64
from scipy.spatial import cKDTree

from unflat.core.shape import Mesh
from unflat.geometry.topology import compacted


def renumbered(mesh: Mesh, faces: Int32[np.ndarray, "f 3"], source: Int64[np.ndarray, "v"]) -> Mesh:
    """A mesh of the given faces whose vertex i is vertex ``source[i]`` of the old one, with its colour and confidence.

    UV and normals belong to the old faces and are dropped.
    """
    return Mesh(
        mesh.vertices[source],
        faces,
        colors=None if mesh.colors is None else mesh.colors[source],
        confidence=None if mesh.confidence is None else mesh.confidence[source],
    )


def picked_faces(mesh: Mesh, keep: Bool[np.ndarray, "f"]) -> Mesh:
    """The mesh of some of the faces, without the vertices that none of them uses. The mesh itself if all stay."""
    if keep.all():
        return mesh
    faces, used = compacted(mesh.faces[keep], len(mesh.vertices))
    return renumbered(mesh, faces, used)


def carried(source: Mesh, target: Mesh, within_m: float = np.inf) -> Mesh:
    """The target with colour and confidence of the nearest vertex of the source.

    Where none is nearer than `within_m`, the surface is new: it keeps the nearest colour, but its confidence is 0.
    """
    if source.colors is None and source.confidence is None:
        return target
    distance, nearest = cKDTree(source.vertices).query(target.vertices, workers=-1)
    confidence = None
    if source.confidence is not None:
        confidence = np.where(distance <= within_m, source.confidence[nearest], np.float32(0.0))
    return replace(target, colors=None if source.colors is None else source.colors[nearest], confidence=confidence)
