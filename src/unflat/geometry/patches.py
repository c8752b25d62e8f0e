"""Triangles that close one loop of points, without touching the loop itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int32
from scipy.spatial import Delaunay, QhullError, cKDTree
from skimage.measure import points_in_poly

from unflat.geometry.topology import sides_of

_EXACT_POINTS = 96
"""Longest loop triangulated by dynamic programming; longer ones are halved first. 0.1 s at this length."""
_LONGEST_CUT_LOOP = 3000
"""Longest loop whose cuts are searched among all pairs of points: bounds memory to about 100 MB."""
_MOST_NEW_POINTS = 20_000
"""Points inside a patch; a larger hole gets a wider grid."""
_CLEAR_OF_RIM = 0.6
"""New points keep this share of the grid's spacing from the rim, so that no triangle there is a sliver."""


@dataclass(frozen=True, eq=False)
class Patch:
    """Triangles over the loop's points 0 .. n-1 and new points n, n+1, ...; they run along the loop in its order."""

    new_points: Float64[np.ndarray, "m 3"]
    faces: Int32[np.ndarray, "f 3"]


def plane_frame(loop: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "3 3"]:
    """Rows: two directions in the loop's mean plane and its normal; the loop is counter-clockwise about it (Newell)."""
    centred = loop - loop.mean(axis=0)
    normal = np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0)
    length = np.linalg.norm(normal)
    if length == 0:
        return np.eye(3)
    normal /= length
    across = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(normal, across), normal])


def flat_patch(loop: Float64[np.ndarray, "n 3"], forbidden: Bool[np.ndarray, "n n"]) -> Patch | None:
    """Evenly sized triangles over the loop seen along its normal, with new points on its plane between; or None.

    None where the loop crosses itself in that view, or where the triangles would need a forbidden chord. New points
    are as far apart as the loop's own. Delaunay triangulation: cost n log n.
    """
    frame = plane_frame(loop)
    planar = (loop - loop.mean(axis=0)) @ frame[:2].T
    inner = _grid_inside(planar)
    points = np.concatenate([planar, inner])
    try:
        triangles = Delaunay(points).simplices
    except (QhullError, ValueError):
        return None
    corners = points[triangles]
    triangles = triangles[points_in_poly(corners.mean(axis=1), planar)]
    edge_a, edge_b = (points[triangles[:, k]] - points[triangles[:, 0]] for k in (1, 2))
    backward = edge_a[:, 0] * edge_b[:, 1] < edge_a[:, 1] * edge_b[:, 0]
    faces = np.where(backward[:, None], triangles[:, ::-1], triangles).astype(np.int32)
    if not _closes(faces, len(loop), len(points)) or _uses(faces, forbidden):
        return None
    height = np.zeros((len(inner), 1))
    return Patch(np.hstack([inner, height]) @ frame + loop.mean(axis=0), faces)


def smallest_patch(loop: Float64[np.ndarray, "n 3"], forbidden: Bool[np.ndarray, "n n"]) -> Patch:
    """The triangulation of least area without new points (Barequet and Sharir 1995; Liepa 2003, section 3).

    Loops of more than 96 points are first cut along short chords. Where forbidden chords leave no way, a fan around
    the loop's centre, which always closes it.
    """
    faces = _cut_and_fill(loop, np.arange(len(loop)), forbidden)
    if faces is not None:
        return Patch(np.zeros((0, 3)), faces)
    count = len(loop)
    ring = np.arange(count, dtype=np.int32)
    fan = np.column_stack([ring, np.roll(ring, -1), np.full(count, count, np.int32)])
    return Patch(loop.mean(axis=0, keepdims=True), fan)


def _grid_inside(planar: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "m 2"]:
    """A triangular grid within the polygon, as fine as its sides."""
    spacing = float(np.linalg.norm(planar - np.roll(planar, -1, axis=0), axis=1).mean())
    low, high = planar.min(axis=0), planar.max(axis=0)
    spacing = max(spacing, float(np.sqrt(np.prod(high - low) / _MOST_NEW_POINTS)))
    if spacing <= 0:
        return np.zeros((0, 2))
    rows = np.arange(low[1] + spacing / 2, high[1], spacing * np.sqrt(3) / 2)
    columns = np.arange(low[0], high[0] + spacing / 2, spacing)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    grid[1::2, :, 0] += spacing / 2
    inside = grid.reshape(-1, 2)
    inside = inside[points_in_poly(inside, planar)] if len(inside) else inside
    if len(inside) == 0:
        return np.zeros((0, 2))
    return np.asarray(inside[cKDTree(planar).query(inside)[0] > _CLEAR_OF_RIM * spacing])


def _closes(faces: Int32[np.ndarray, "f 3"], rim: int, count: int) -> bool:
    """Whether the triangles are one disc whose boundary is the loop 0 .. rim-1 in order, using every point."""
    if len(faces) != 2 * (count - rim) + rim - 2:
        return False
    start, end = sides_of(faces).astype(np.int64).T
    forward, backward = np.sort(start * count + end), np.sort(end * count + start)
    ring = np.arange(rim, dtype=np.int64)
    expected = np.sort(ring * count + np.roll(ring, -1))
    alone = forward[~np.isin(forward, backward)]
    return len(np.unique(forward)) == len(forward) and np.array_equal(alone, expected)


def _uses(faces: Int32[np.ndarray, "f 3"], forbidden: Bool[np.ndarray, "n n"]) -> bool:
    start, end = sides_of(faces).T
    chords = (start < len(forbidden)) & (end < len(forbidden))
    return bool(forbidden[start[chords], end[chords]].any())


def _cut_and_fill(
    loop: Float64[np.ndarray, "n 3"], numbers: np.ndarray, forbidden: Bool[np.ndarray, "n n"]
) -> Int32[np.ndarray, "f 3"] | None:
    if len(numbers) <= _EXACT_POINTS:
        return _least_area(loop, numbers, forbidden)
    cut = _best_cut(loop[numbers], forbidden[np.ix_(numbers, numbers)])
    if cut is None:
        return None
    low, high = cut
    first = _cut_and_fill(loop, numbers[low : high + 1], forbidden)
    second = _cut_and_fill(loop, np.concatenate([numbers[high:], numbers[: low + 1]]), forbidden)
    return None if first is None or second is None else np.concatenate([first, second])


def _best_cut(points: Float64[np.ndarray, "n 3"], forbidden: Bool[np.ndarray, "n n"]) -> tuple[int, int] | None:
    """The chord that is shortest against the shorter way round, at least a sixth of the loop apart."""
    count = len(points)
    if count > _LONGEST_CUT_LOOP:
        return None
    steps = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    way = np.abs(along[:-1, None] - along[None, :-1])
    way = np.minimum(way, along[-1] - way)
    squares = (points**2).sum(axis=1)
    chord = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    apart = np.abs(np.arange(count)[:, None] - np.arange(count))
    allowed = (np.minimum(apart, count - apart) >= count // 6) & ~forbidden
    ratio = np.where(allowed, chord / np.maximum(way, 1e-30), np.inf)
    low, high = sorted(divmod(int(ratio.argmin()), count))
    return (low, high) if allowed[low, high] else None


def _least_area(
    loop: Float64[np.ndarray, "n 3"], numbers: np.ndarray, forbidden: Bool[np.ndarray, "n n"]
) -> Int32[np.ndarray, "f 3"] | None:
    points, count = loop[numbers], len(numbers)
    to_others = points[None] - points[:, None]
    cost = np.where(forbidden[np.ix_(numbers, numbers)], np.inf, 0.0)
    cost[np.arange(count - 1), np.arange(1, count)] = cost[0, count - 1] = 0.0
    middle = np.zeros((count, count), np.int32)
    for span in range(2, count):
        first = np.arange(count - span)
        last = first + span
        between = first[:, None] + np.arange(1, span)
        area = np.linalg.norm(np.cross(to_others[first[:, None], between], to_others[first, last][:, None]), axis=-1)
        total = cost[first[:, None], between] + cost[between, last[:, None]] + area
        best = total.argmin(axis=1)
        middle[first, last] = between[np.arange(len(first)), best]
        cost[first, last] += total[np.arange(len(first)), best]
    if not np.isfinite(cost[0, count - 1]):
        return None
    faces, open_spans = [], [(0, count - 1)]
    while open_spans:
        first_point, last_point = open_spans.pop()
        if last_point - first_point < 2:
            continue
        between_point = int(middle[first_point, last_point])
        faces.append((first_point, between_point, last_point))
        open_spans += [(first_point, between_point), (between_point, last_point)]
    return numbers[np.array(faces)].astype(np.int32)
