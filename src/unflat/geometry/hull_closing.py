"""Where no photo looked, the convex hull: points that close a cloud which is open there.

Poisson's surface runs out to the edge of its box where a cloud ends in a rim. Nothing sure lies outside the hull of
what was seen, so the hull closes it: but for the air before a hollow, which photos look through or see a backdrop in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial import ConvexHull, QhullError, cKDTree

from unflat.core import PointCloud, View
from unflat.geometry.free_space import in_the_air
from unflat.geometry.object_cloud import touching_things

_CELL_SPACINGS, _CELL_SHARE = 4.0, 0.008
"""Side of the cells in which points hang together: in distances between points, and at least of the cloud's size."""
_SMALLEST_SHARE = 0.02
"""Things with fewer of the points are strays: a single one of them would pull the hull out to a peak."""
_STEP_SPACINGS, _STEP_SHARE = 4.0, 0.01
"""Distance between the points that close, the same way."""
_APART_SHARE = 0.03
"""Share of the cloud's size within which its own points close it."""
_AIR_SPACINGS = 3.0
_PER_STEP = 2.0
"""Random points for each square of a step's side: so that no gap is much larger."""


def hull_closed(cloud: PointCloud, spacing: float, views: Iterable[View], seed: int) -> PointCloud:
    """The cloud without strays, and with points on its hull where it is open; these have the nearest point's colour.

    `spacing` is the distance between neighbouring points; views with depth tell what is air. The same cloud where all
    points lie in a plane. About n log n in points, linear in views.
    """
    assert cloud.normals is not None and cloud.colors is not None, "photos make clouds with both"
    size = float(np.linalg.norm(np.ptp(cloud.points, axis=0)))
    thing = touching_things(cloud.points, max(_CELL_SPACINGS * spacing, _CELL_SHARE * size))
    counts = np.bincount(thing)
    large = counts >= _SMALLEST_SHARE * len(thing)
    large[0] = False
    body = large[thing] if large.any() else np.ones(len(thing), np.bool_)
    points, normals, colors = cloud.points[body], cloud.normals[body], cloud.colors[body]
    try:
        hull = ConvexHull(points.astype(np.float64))
    except QhullError:
        return cloud
    step = max(_STEP_SPACINGS * spacing, _STEP_SHARE * size)
    corners = points[hull.simplices].astype(np.float64)
    places, facet = _spread(corners, step, seed)
    away, nearest = cKDTree(points).query(places, workers=-1)
    closing = away > _APART_SHARE * size
    closing &= ~in_the_air(places.astype(np.float32), views, _AIR_SPACINGS * spacing)
    return replace(
        cloud,
        points=np.vstack([points, places[closing].astype(np.float32)]),
        normals=np.vstack([normals, hull.equations[facet[closing], :3].astype(np.float32)]),
        colors=np.vstack([colors, colors[nearest[closing]]]),
    )


def _spread(
    triangles: Float64[np.ndarray, "f 3 3"], step: float, seed: int
) -> tuple[Float64[np.ndarray, "n 3"], Int64[np.ndarray, "n"]]:
    """Places spread evenly over triangles, and the triangle of each."""
    edges = triangles[:, 1:] - triangles[:, :1]
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2
    rng = np.random.default_rng(seed)
    count = int(np.ceil(_PER_STEP * area.sum() / step**2))
    facet = rng.choice(len(area), count, p=area / area.sum())
    along = np.sqrt(rng.random(count))
    aside = rng.random(count)
    weights = np.column_stack([1 - along, along * (1 - aside), along * aside])
    return np.einsum("nc,nci->ni", weights, triangles[facet]), facet
