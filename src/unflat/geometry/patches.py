"""Triangles that close one loop of points, without touching the loop itself."""

from __future__ import annotations

from dataclasses import dataclass

import manifold3d
import numpy as np
from jaxtyping import Bool, Float64, Int32
from scipy.spatial import cKDTree
from skimage.measure import points_in_poly

from unflat.geometry.topology import boundary_edges, boundary_loops, compacted, sides_of

_EXACT_POINTS = 96
"""Longest loop triangulated by dynamic programming; longer ones are halved first. 0.1 s at this length."""
_LONGEST_CUT_LOOP = 3000
"""Longest loop whose cuts are searched among all pairs of points: bounds memory to about 100 MB."""
_MOST_NEW_POINTS = 20_000
"""Points inside a patch; a larger hole gets a wider grid."""
_UNPINCHING_ROUNDS = 8
"""Each takes off the triangles at points where the grid hangs together by a point only."""
_FLAT_SLACK = 1e-6
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
    """Even triangles over the loop seen along its normal, with new points on its plane between; or None.

    None where the loop crosses itself in that view, or where the triangles would need a forbidden chord. New points
    are as far apart as the loop's own: a regular grid inside, and ears cut between it and the loop. Cost n log n.
    """
    frame = plane_frame(loop)
    planar = (loop - loop.mean(axis=0)) @ frame[:2].T
    inner, inner_faces = _grid_inside(planar)
    rims = boundary_loops(inner_faces)
    # A hole's rim runs the other way round than the faces that will fill it.
    between = manifold3d.triangulate([planar, *(inner[rim[::-1]] for rim in rims)])
    order = np.concatenate([np.arange(len(loop)), *(rim[::-1] + len(loop) for rim in rims)]).astype(np.int32)
    faces = np.concatenate([order[np.asarray(between, np.int32).reshape(-1, 3)], inner_faces + np.int32(len(loop))])
    points = np.concatenate([planar, inner])
    if not (_lies_flat(points, faces, planar) and _closes(faces, len(loop), len(points))) or _uses(faces, forbidden):
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


def _grid_inside(
    planar: Float64[np.ndarray, "n 2"],
) -> tuple[Float64[np.ndarray, "m 2"], Int32[np.ndarray, "f 3"]]:
    """A triangular grid within the polygon, as fine as its sides and clear of them. Its rims touch nowhere."""
    nothing = np.zeros((0, 2)), np.zeros((0, 3), np.int32)
    spacing = float(np.linalg.norm(planar - np.roll(planar, -1, axis=0), axis=1).mean())
    low, high = planar.min(axis=0), planar.max(axis=0)
    spacing = max(spacing, float(np.sqrt(np.prod(high - low) / _MOST_NEW_POINTS)))
    if spacing <= 0:
        return nothing
    rows = np.arange(low[1] + spacing / 2, high[1], spacing * np.sqrt(3) / 2)
    columns = np.arange(low[0] - spacing / 2, high[0] + spacing, spacing)
    if len(rows) < 2 or len(columns) < 2:
        return nothing
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    grid[1::2, :, 0] += spacing / 2
    points, faces = grid.reshape(-1, 2), _grid_faces(len(rows), len(columns))
    clear = points_in_poly(points, planar)
    clear[clear] = cKDTree(_dense(planar, spacing / 2)).query(points[clear])[0] > _CLEAR_OF_RIM * spacing
    faces = faces[clear[faces].all(axis=1)]
    for _ in range(_UNPINCHING_ROUNDS):
        starts, times = np.unique(boundary_edges(faces)[:, 0], return_counts=True)
        if (times == 1).all():
            break
        faces = faces[~np.isin(faces, starts[times > 1]).any(axis=1)]
    else:
        return nothing
    faces, used = compacted(faces, len(points))
    return points[used], faces


def _grid_faces(rows: int, columns: int) -> Int32[np.ndarray, "f 3"]:
    """Counter-clockwise triangles of a grid whose odd rows are shifted to the right by half a step."""
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    faces = []
    for row in range(rows - 1):
        lower, upper = number[row], number[row + 1]
        if row % 2 == 0:
            faces += [[lower[:-1], lower[1:], upper[:-1]], [lower[1:], upper[1:], upper[:-1]]]
        else:
            faces += [[lower[:-1], upper[1:], upper[:-1]], [lower[:-1], lower[1:], upper[1:]]]
    return np.concatenate([np.stack(corners, axis=1) for corners in faces])


def _dense(planar: Float64[np.ndarray, "n 2"], step: float) -> Float64[np.ndarray, "m 2"]:
    """Points along the polygon's sides, at most a step apart."""
    side = np.roll(planar, -1, axis=0) - planar
    pieces = np.maximum(np.ceil(np.linalg.norm(side, axis=1) / step).astype(np.int64), 1)
    within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    return np.repeat(planar, pieces, axis=0) + np.repeat(side / pieces[:, None], pieces, axis=0) * within[:, None]


def _lies_flat(
    points: Float64[np.ndarray, "m 2"], faces: Int32[np.ndarray, "f 3"], planar: Float64[np.ndarray, "n 2"]
) -> bool:
    """Whether no triangle is turned over and together they are as large as the polygon."""
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    twice = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    following = np.roll(planar, -1, axis=0)
    whole = float((planar[:, 0] * following[:, 1] - planar[:, 1] * following[:, 0]).sum())
    if whole <= 0 or bool((twice < -_FLAT_SLACK * whole).any()):
        return False
    return abs(float(twice.sum()) / whole - 1) < _FLAT_SLACK


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
