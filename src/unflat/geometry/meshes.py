"""Small facts of meshes: normals, areas, welding, moving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64, Int32

from unflat.core.reconstruction import Reconstruction
from unflat.core.shape import Field, Mesh, PointCloud
from unflat.geometry.moving import transformed_plane, transformed_views


def face_cross(mesh: Mesh) -> Float64[np.ndarray, "f 3"]:
    """Outward normal of each face, as long as twice its area."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    return np.cross(b - a, c - a)


def face_areas(mesh: Mesh) -> Float64[np.ndarray, "f"]:
    """Area of each face in square metres."""
    return np.asarray(np.linalg.norm(face_cross(mesh), axis=1) / 2)


def face_normals(mesh: Mesh) -> Float32[np.ndarray, "f 3"]:
    """Unit outward normal of each face; zero for a face without area."""
    return _unit(face_cross(mesh))


def vertex_normals(mesh: Mesh) -> Float32[np.ndarray, "v 3"]:
    """Smooth unit normals, weighted by area, the same on both sides of a UV seam; zero where no face is."""
    canonical = weld_map(mesh.vertices)
    corners, cross = canonical[mesh.faces].T.ravel(), np.tile(face_cross(mesh), (3, 1))
    sums = np.column_stack([np.bincount(corners, cross[:, axis], int(canonical.max()) + 1) for axis in range(3)])
    return _unit(sums)[canonical]


def signed_volume(mesh: Mesh) -> float:
    """Volume enclosed by a closed mesh; negative if it is inside out."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def weld_map(vertices: Float32[np.ndarray, "v 3"]) -> Int32[np.ndarray, "v"]:
    """For each vertex a number shared by all vertices at exactly the same place (0 .. n-1)."""
    order = np.lexsort(vertices.T)
    differs = np.any(np.diff(vertices[order], axis=0) != 0, axis=1)
    numbers = np.empty(len(vertices), np.int32)
    numbers[order] = np.concatenate([[0], np.cumsum(differs)])
    return numbers


def welded(mesh: Mesh) -> Mesh:
    """The bare surface: vertices at the same place become one; UV, normals, colours and confidence are dropped."""
    canonical = weld_map(mesh.vertices)
    first = np.full(int(canonical.max()) + 1, -1, np.int64)
    first[canonical[::-1]] = np.arange(len(canonical))[::-1]
    return Mesh(mesh.vertices[first], canonical[mesh.faces], quads=mesh.quads)


def transformed(mesh: Mesh, similarity: Float64[np.ndarray, "4 4"]) -> Mesh:
    """The mesh moved, turned and uniformly scaled by a 4x4 similarity (no mirroring)."""
    rotation_scale = similarity[:3, :3]
    vertices = (mesh.vertices @ rotation_scale.T + similarity[:3, 3]).astype(np.float32)
    scale = np.cbrt(np.linalg.det(rotation_scale))
    normals = None if mesh.normals is None else (mesh.normals @ (rotation_scale / scale).T).astype(np.float32)
    return replace(mesh, vertices=vertices, normals=normals)


def transformed_reconstruction(
    reconstruction: Reconstruction, similarity: Float64[np.ndarray, "4 4"]
) -> Reconstruction:
    """The mesh, its detail, the ground, and all views with cameras, tracks and depth, moved together.

    Depth maps of many photos come into memory where they are scaled or turned: leave them out once they were used.
    """
    assert not isinstance(reconstruction.shape, Field | PointCloud), "move after the surface stage"
    dense, ground = reconstruction.dense, reconstruction.ground
    return replace(
        reconstruction,
        shape=transformed(reconstruction.mesh, similarity),
        views=transformed_views(reconstruction.views, similarity),
        detail=reconstruction.detail and transformed(reconstruction.detail, similarity),
        dense=None if dense is None else transformed_views(dense, similarity),
        ground=None if ground is None else transformed_plane(ground, similarity),
    )


def _unit(vectors: Float64[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)
