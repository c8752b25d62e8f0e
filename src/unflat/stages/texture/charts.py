"""Cut a surface into charts that lie flat without overlap: one per region that faces the same way."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from scipy import sparse
from scipy.sparse import csgraph

from unflat.core import Mesh
from unflat.geometry.meshes import face_normals, weld_map
from unflat.stages.texture.atlas import scan_converted

_FRONT_BONUS = 0.25
"""Added to how much a face faces front or back, so that both reach round to about 55° before the sides begin."""
_SMOOTHING_STEPS = 12
"""Averagings of the scores with their neighbours': charts get short borders, bumps of a few faces get no own chart."""
_STEEPEST = 0.17
"""Cosine below which a face is too steep (80°) for a chart: its texels would be stretched six times."""
_SMALL_CHART_FACES = 24
"""Charts below this join a neighbour where none of their faces is too steep for it."""
_OVERLAP_GRID_PX = 512
"""Resolution at which charts are checked for lying on themselves."""
_MAX_LAYERS = 16
"""Layers of one chart that are told apart; what still lies on itself then (it never did) becomes charts of one face."""


def charts_of(
    mesh: Mesh, axes: Float64[np.ndarray, "3 3"]
) -> tuple[Int32[np.ndarray, "f"], Float64[np.ndarray, "f 3 2"]]:
    """The chart number of each face, and the place of each corner in its chart, in metres, u right and v down.

    Faces go to the axis (rows of `axes`: right, up, front of a rotation; both signs) that they face most, and a chart
    is a connected region of one axis, seen along it: upright, not mirrored, stretched at most 1/cos(80°), nowhere on
    itself; both halves of a quad are in the same. What a camera along an axis saw is one chart, a straight copy of its
    picture. Linear in faces.
    """
    directions = np.vstack([axes, -axes])
    facing = face_normals(mesh).astype(np.float64) @ directions.T
    if mesh.quads:
        facing = np.repeat(facing.reshape(-1, 2, 6).min(axis=1), 2, axis=0)
    neighbours = adjacent_faces(mesh)
    label = _labels(facing, neighbours)
    if mesh.quads:
        label[1::2] = label[::2]
    for _ in range(2):
        label = _absorbed(label, _components(label, neighbours), facing, neighbours)
    corners = _flattened(mesh, label, axes)
    height = np.einsum("fkc,fc->f", mesh.triangles.astype(np.float64), directions[label])
    if mesh.quads:
        height = np.repeat(height.reshape(-1, 2).mean(axis=1), 2)
    return _layered(_components(label, neighbours), corners, height, neighbours, quads=mesh.quads), corners


def adjacent_faces(mesh: Mesh) -> Int64[np.ndarray, "e 2"]:
    """Pairs of faces that share an edge, across UV seams too; each pair stands in both orders."""
    corner = weld_map(mesh.vertices)[mesh.faces].astype(np.int64)
    edges = np.sort(corner[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    key = edges[:, 0] * len(mesh.vertices) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    pairs = np.column_stack([order[same], order[same + 1]]) // 3
    return np.vstack([pairs, pairs[:, ::-1]])


def _labels(facing: Float64[np.ndarray, "f 6"], neighbours: Int64[np.ndarray, "e 2"]) -> Int64[np.ndarray, "f"]:
    """The direction of each face: what it and the smooth surface round it face most."""
    # The first three columns of `facing` are the normal in the axes' frame. Across a crease nobody has a say.
    here, there = neighbours.T
    alike = np.maximum(np.einsum("ek,ek->e", facing[here, :3], facing[there, :3]), 0) ** 4
    weights = sparse.csr_matrix((alike, (here, there)), shape=(len(facing), len(facing)))
    total = 1 + np.asarray(weights.sum(axis=1))
    score = facing
    for _ in range(_SMOOTHING_STEPS):
        score = (score + weights @ score) / total
    score = score + np.array([0, 0, _FRONT_BONUS] * 2)
    return np.asarray(np.argmax(np.where(_fits(facing), score, -np.inf), axis=1))


def _fits(facing: Float64[np.ndarray, "f 6"]) -> Bool[np.ndarray, "f 6"]:
    """Whether a face may lie in a chart of a direction; a face without area may in any."""
    return np.asarray((facing >= _STEEPEST) | ~facing.any(axis=1, keepdims=True))


def _components(label: Int64[np.ndarray, "f"], neighbours: Int64[np.ndarray, "e 2"]) -> Int32[np.ndarray, "f"]:
    """The number of the connected region of equal label that each face is in."""
    here, there = neighbours[label[neighbours[:, 0]] == label[neighbours[:, 1]]].T
    graph = sparse.csr_matrix((np.ones(len(here), bool), (here, there)), shape=(len(label), len(label)))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1], dtype=np.int32)


def _absorbed(
    label: Int64[np.ndarray, "f"],
    chart: Int32[np.ndarray, "f"],
    facing: Float64[np.ndarray, "f 6"],
    neighbours: Int64[np.ndarray, "e 2"],
) -> Int64[np.ndarray, "f"]:
    """Labels after each small chart took the label it borders most, of those that fit all its faces."""
    misfits = np.zeros((int(chart.max()) + 1, facing.shape[1]), np.int64)
    np.add.at(misfits, chart, ~_fits(facing))
    here, there = neighbours[chart[neighbours[:, 0]] != chart[neighbours[:, 1]]].T
    border = np.zeros_like(misfits)
    np.add.at(border, (chart[here], label[there]), 1)
    border[misfits > 0] = 0
    small = (np.bincount(chart) < _SMALL_CHART_FACES) & border.any(axis=1)
    return np.where(small[chart], np.argmax(border, axis=1)[chart], label)


def _flattened(
    mesh: Mesh, label: Int64[np.ndarray, "f"], axes: Float64[np.ndarray, "3 3"]
) -> Float64[np.ndarray, "f 3 2"]:
    """Corners as a viewer in each face's direction sees them: upright; top and bottom with the right at the right."""
    right, up, front = axes
    viewer_right = np.array([-front, right, right, front, right, -right])[label]
    viewer_down = -np.array([up, -front, up, up, front, up])[label]
    # About the middle of the box, so that charts of all directions share one small range of coordinates.
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)).astype(np.float64) / 2
    corners = mesh.triangles - middle
    return np.stack([np.einsum("fkc,fc->fk", corners, axis) for axis in (viewer_right, viewer_down)], axis=-1)


def _layered(
    chart: Int32[np.ndarray, "f"],
    corners: Float64[np.ndarray, "f 3 2"],
    height: Float64[np.ndarray, "f"],
    neighbours: Int64[np.ndarray, "e 2"],
    *,
    quads: bool,
) -> Int32[np.ndarray, "f"]:
    """Charts that nowhere lie on themselves: faces under others of their chart move to a chart of their own."""
    places = corners.reshape(-1, 2)
    scale = (_OVERLAP_GRID_PX - 1) / max(float(np.ptp(places, axis=0).max()), 1e-30)
    texel, face = scan_converted((corners - places.min(axis=0)) * scale, _OVERLAP_GRID_PX)
    for _ in range(_MAX_LAYERS):
        under = _lying_under(texel, face, chart, height)
        if quads:
            under = np.repeat(under.reshape(-1, 2).any(axis=1), 2)
        if not under.any():
            return chart
        # One ring of faces more, so that the two sheets do not touch in the texture either.
        here, there = neighbours[chart[neighbours[:, 0]] == chart[neighbours[:, 1]]].T
        under[here[under[there]]] = True
        chart = _components(2 * chart.astype(np.int64) + under, neighbours)
    chart[under] = chart.max() + 1 + np.arange(under.sum(), dtype=np.int32)
    return chart


def _lying_under(
    texel: Int32[np.ndarray, "n"],
    face: Int32[np.ndarray, "n"],
    chart: Int32[np.ndarray, "f"],
    height: Float64[np.ndarray, "f"],
) -> Bool[np.ndarray, "f"]:
    """The faces that share a texel with a higher face of their chart."""
    under = np.zeros(len(chart), bool)
    if len(texel) == 0:
        return under
    key = chart[face].astype(np.int64) * _OVERLAP_GRID_PX**2 + texel
    order = np.argsort(key, kind="stable")
    key, face = key[order], face[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    highest = np.maximum.reduceat(height[face], starts)
    top = np.repeat(highest, np.diff(np.append(starts, len(key))))
    under[face[height[face] < top]] = True
    return under
