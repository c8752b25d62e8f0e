"""Repairs that keep the surface where it is: merge, drop, split, turn. Vertices keep their colours and confidence."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int32
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from unflat.core.shape import Mesh
from unflat.geometry.carry import picked_faces, renumbered
from unflat.geometry.meshes import weld_map
from unflat.geometry.topology import corner_fans, paired_sides


def merged(mesh: Mesh, tolerance_m: float = 0.0) -> Mesh:
    """Vertices nearer to each other than the tolerance become one (the first keeps its place); UV is dropped.

    Chains of near vertices become one too, so keep the tolerance well below the smallest edge. The mesh itself if
    nothing was to merge.
    """
    label = weld_map(mesh.vertices)
    if tolerance_m > 0:
        pairs = cKDTree(mesh.vertices).query_pairs(tolerance_m, output_type="ndarray")
        label = _joined(label, pairs)
    count = int(label.max()) + 1
    if count == len(mesh.vertices):
        return mesh
    first = np.full(count, len(label), np.int64)
    np.minimum.at(first, label, np.arange(len(label)))
    return renumbered(mesh, label[mesh.faces], first)


def without_degenerate(mesh: Mesh) -> Mesh | None:
    """The mesh without faces that use a vertex twice and without faces that were there already, turned either way.

    None where no face is left. The mesh itself if nothing was to drop.
    """
    a, b, c = mesh.faces.T
    proper = (a != b) & (b != c) & (c != a)
    corners = np.sort(mesh.faces, axis=1).astype(np.int64)
    order = np.lexsort(corners.T)
    same = np.zeros(len(order), bool)
    same[1:] = (corners[order[1:]] == corners[order[:-1]]).all(axis=1)
    keep = proper.copy()
    keep[order[same]] = False
    return picked_faces(mesh, keep) if keep.any() else None


def fans_split(mesh: Mesh) -> Mesh:
    """The mesh with one vertex per fan: surfaces that only touch in a vertex or cross in an edge come apart.

    Where three or more faces share an edge, those that also hang together around its ends stay together.
    """
    fans = corner_fans(mesh.faces)
    count = int(fans.max()) + 1
    if count == len(mesh.vertices):
        return mesh
    source = np.empty(count, np.int64)
    source[fans.ravel()] = mesh.faces.ravel()
    return renumbered(mesh, fans, source)


def consistently_turned(mesh: Mesh) -> tuple[Mesh, bool]:
    """The mesh with neighbouring faces turned the same way, and whether that was possible (not on a Möbius strip).

    Each piece keeps the way that most of its area had. Faces are linked over edges of exactly two faces.
    """
    pairs = paired_sides(mesh.faces)
    start = mesh.faces.ravel()
    against = start[pairs[:, 0]] == start[pairs[:, 1]]
    if not against.any():
        return mesh, True
    count = len(mesh.faces)
    here, there = pairs[:, 0] // 3, pairs[:, 1] // 3
    # Each face stands twice: as it is (f) and turned (f + count); edges join what agrees.
    rows = np.concatenate([here, here + count])
    columns = np.concatenate([there + count * against, there + count * ~against])
    label = _components(rows, columns, 2 * count)
    as_is, turned = label[:count], label[count:]
    orientable = not bool((as_is == turned).any())
    flip = as_is > turned
    area = np.linalg.norm(_cross(mesh), axis=1)
    piece = np.minimum(as_is, turned)
    balance = np.bincount(piece, np.where(flip, area, -area), minlength=2 * count)
    flip ^= balance[piece] > 0
    return _with_flipped(mesh, flip), orientable


def outward(mesh: Mesh, part: Int32[np.ndarray, "f"]) -> Mesh:
    """A closed mesh with every part (see `connected_parts`) turned outward, except cavities within larger parts."""
    volume = part_volumes(mesh, part)
    if (volume >= 0).all():
        return mesh
    low, high = _part_boxes(mesh, part)
    flip = volume < 0
    if len(volume) > 1:
        shells = np.flatnonzero(volume > 0)
        for inner in np.flatnonzero(flip):
            holds = (low[shells] < low[inner]).all(axis=1) & (high[shells] > high[inner]).all(axis=1)
            flip[inner] = not holds.any()
    return _with_flipped(mesh, flip[part]) if flip.any() else mesh


def part_volumes(mesh: Mesh, part: Int32[np.ndarray, "f"]) -> Float64[np.ndarray, "p"]:
    """Signed volume of each part; for an open part, of the cones from the origin to its faces."""
    corners = mesh.triangles.astype(np.float64)
    sixfold = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return np.bincount(part, sixfold / 6)


def _part_boxes(
    mesh: Mesh, part: Int32[np.ndarray, "f"]
) -> tuple[Float64[np.ndarray, "p 3"], Float64[np.ndarray, "p 3"]]:
    count = int(part.max()) + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, part, mesh.triangles.min(axis=1))
    np.maximum.at(high, part, mesh.triangles.max(axis=1))
    return low, high


def _with_flipped(mesh: Mesh, flip: Bool[np.ndarray, "f"]) -> Mesh:
    faces = np.where(flip[:, None], mesh.faces[:, ::-1], mesh.faces)
    return renumbered(mesh, faces, np.arange(len(mesh.vertices)))


def _cross(mesh: Mesh) -> Float64[np.ndarray, "f 3"]:
    a, b, c = np.moveaxis(mesh.triangles.astype(np.float64), 1, 0)
    return np.cross(b - a, c - a)


def _joined(label: Int32[np.ndarray, "v"], pairs: np.ndarray) -> Int32[np.ndarray, "v"]:
    return _components(label[pairs[:, 0]], label[pairs[:, 1]], int(label.max()) + 1)[label]


def _components(rows: np.ndarray, columns: np.ndarray, count: int) -> Int32[np.ndarray, "count"]:
    graph = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)
