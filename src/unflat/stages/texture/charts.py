"""Cut a surface into charts that lie flat without overlap: one per region that faces the same way."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from scipy import sparse
from scipy.sparse import csgraph

from unflat.core import Mesh
from unflat.geometry.meshes import face_areas, face_normals, weld_map
from unflat.stages.texture.atlas import scan_converted

_FRONT_BONUS = 0.25
"""Added to how much a face faces front or back, so that both reach round to about 55° before the sides begin."""
_SMOOTHING_STEPS = 12
"""Averagings of the scores with their neighbours': charts get short borders, bumps of a few faces get no own chart."""
_STEEPEST = 0.17
"""Cosine below which a face is too steep (80°) for a chart: its texels would be stretched six times."""
_SMALL_CHART_FACES = 24
"""Charts below this join a neighbour where none of their faces is too steep for it."""
_OVERLAP_GRID_PX = 1024
"""Resolution at which a chart is checked for lying on itself."""
_MAX_LAYERS = 16
"""Layers of one chart that lie on each other and are told apart; what is left becomes charts of one face."""


def charts_of(mesh: Mesh, axes: Float64[np.ndarray, "3 3"]) -> tuple[Int32[np.ndarray, "f"], Float32[np.ndarray, "f 3 2"]]:
    """The chart number of each face, and the place of each corner in its chart, in metres, u right and v down.

    Faces go to the axis (rows of `axes`: right, up, front of a rotation; both signs) that they face most, and a chart is
    a connected region of one axis, seen along it. No stretch beyond 1/cos(80°), no mirrored chart, no overlap inside one.
    """
    directions = np.vstack([axes, -axes])
    facing = face_normals(mesh).astype(np.float64) @ directions.T
    adjacency = face_adjacency(mesh)
    label = _labels(facing, adjacency)
    chart = _components(label, adjacency)
    for _ in range(2):
        label = _absorbed(label, chart, facing, adjacency)
        chart = _components(label, adjacency)
    corners = _flattened(mesh, label, axes)
    return _layered(mesh, chart, corners, directions[label], adjacency), corners.astype(np.float32)
