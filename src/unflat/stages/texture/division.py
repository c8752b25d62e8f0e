"""Faces divided into four, again and again, such that points on a face know which part they lie in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int32


def divided(
    vertices: Float32[np.ndarray, "v 3"], corners: Int32[np.ndarray, "f 3"]
) -> tuple[Float32[np.ndarray, "w 3"], Int32[np.ndarray, "g 3"]]:
    """Vertices and faces with each face cut at the middles of its edges; the old vertices come first.

    Face f becomes faces ``4 f .. 4 f + 3``: those at its corners 0, 1, 2, then the middle one, whose corners lie
    opposite. Faces that share vertices share the new ones.
    """
    edges = np.sort(corners[:, [[1, 2], [2, 0], [0, 1]]].reshape(-1, 2), axis=1).astype(np.int64)
    _, first, number = np.unique(edges[:, 0] * len(vertices) + edges[:, 1], return_index=True, return_inverse=True)
    halves = (vertices[edges[first, 0]] + vertices[edges[first, 1]]) / 2
    a, b, c = corners.T
    bc, ca, ab = (number.reshape(-1, 3) + len(vertices)).astype(np.int32).T
    children = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [bc, ca, ab]])
    return np.vstack([vertices, halves]), np.ascontiguousarray(children.transpose(2, 0, 1).reshape(-1, 3))


def located(
    face: Int32[np.ndarray, "n"], barycentric: Float32[np.ndarray, "n 3"], divisions: int
) -> tuple[Int32[np.ndarray, "n"], Float32[np.ndarray, "n 3"]]:
    """The part that points of faces lie in after some divisions, and their barycentric coordinates there."""
    weights = barycentric
    for _ in range(divisions):
        largest = np.argmax(weights, axis=1)[:, None]
        middle = np.take_along_axis(weights, largest, axis=1) <= 0.5
        outer = 2 * weights
        np.put_along_axis(outer, largest, np.take_along_axis(outer, largest, axis=1) - 1, axis=1)
        weights = np.where(middle, 1 - 2 * weights, outer)
        face = 4 * face + np.where(middle, 3, largest)[:, 0].astype(np.int32)
    return face, weights
