"""The object's points in a cloud of a whole scene: what stands on the ground where the cameras look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage
from scipy.spatial import cKDTree

from unflat.core import Camera
from unflat.geometry.scene_frame import ground_below, looked_at

_CELL_SPACINGS, _CELL, _LARGEST_CELL = 4.0, 0.008, 0.03
"""Side of the cells in which points hang together: in distances between points, but at least and at most these shares
of the distance between cameras and object."""
_GROUND_BESIDE = 0.25
"""Share of the ground that must lie beside what stands on it."""
_ABOVE = 0.008
"""Points this much above the ground (same share) belong to what stands on it."""
_CUT = 0.004
"""Height above the ground (same share) at which the object is cut off it: carpets are rough."""
_SURROUNDING = 1.3
"""Ground is kept around the object up to this many times its radius."""
_FEWEST_IN_CELL = 3
_SMALLEST_SHARE = 0.02
"""A thing with fewer of the points than this is no object."""
_REACH = 0.5
"""How far from what the cameras look at an object counts: its weight falls by half at this share of the distance."""


@dataclass(frozen=True, eq=False)
class ObjectCloud:
    """Which points are the object's or near it, and the ground below it."""

    kept: Bool[np.ndarray, "n"]
    """The object and the ground around it, without which a surface would be closed from the object to its foot."""
    ground: tuple[float, float, float, float] | None
    """The plane a x + b y + c z = d just above the ground, its normal upwards; None where there is no ground."""


def object_in_cloud(points: Float32[np.ndarray, "n 3"], cameras: tuple[Camera, ...], seed: int) -> ObjectCloud | None:
    """The thing that stands where the cameras look; None where nothing stands out. The world is +Y up.

    The ground is the plane that many points lie on and next to none below. Linear in points.
    """
    middle = looked_at(cameras, points)
    distance = float(np.median([np.linalg.norm(camera.center - middle) for camera in cameras]))
    cell = float(np.clip(_CELL_SPACINGS * _spacing(points), _CELL * distance, _LARGEST_CELL * distance))
    plane = ground_below(points.astype(np.float64), cameras, np.array([0.0, 1.0, 0.0]), distance, seed)
    if plane is not None:
        up, ground = plane
        heights = points @ up - ground
        kept = _thing(points, heights > _ABOVE * distance, cell, middle, distance)
        if kept is not None and _stands_on(points, kept, np.abs(heights) < _ABOVE * distance, up):
            around = (heights <= _ABOVE * distance) & _around(points, points[kept], up)
            cut = float(ground + _CUT * distance)
            return ObjectCloud(kept | around, (float(up[0]), float(up[1]), float(up[2]), cut))
    kept = _thing(points, np.ones(len(points), np.bool_), cell, middle, distance)
    return None if kept is None else ObjectCloud(kept, None)


def touching_things(points: Float32[np.ndarray, "n 3"], cell: float) -> np.ndarray:
    """For each point the number of the thing it belongs to: filled cells that touch; 0 for what is in sparse cells."""
    if len(points) == 0:
        return np.zeros(0, np.int64)
    index = np.floor((points - np.percentile(points, 0.5, axis=0)) / cell).astype(np.int64)
    inside = (np.abs(index) < 400).all(axis=1)
    shift = index[inside].min(axis=0) if inside.any() else np.zeros(3, np.int64)
    place = index[inside] - shift
    counts = np.zeros(tuple(place.max(axis=0) + 1) if len(place) else (1, 1, 1), np.int32)
    np.add.at(counts, tuple(place.T), 1)
    labels, _ = ndimage.label(counts >= _FEWEST_IN_CELL, np.ones((3, 3, 3)))
    things = np.zeros(len(points), np.int64)
    things[inside] = labels[tuple(place.T)]
    return things


def _thing(
    points: Float32[np.ndarray, "n 3"], candidate: Bool[np.ndarray, "n"], cell: float,
    middle: Float64[np.ndarray, "3"], distance: float,
) -> Bool[np.ndarray, "n"] | None:  # fmt: skip
    """The points of the most looked at of the things that the candidates form."""
    things = touching_things(points[candidate], cell)
    best = _most_looked_at(points[candidate], things, middle, distance)
    if best is None:
        return None
    kept = np.zeros(len(points), np.bool_)
    kept[candidate] = things == best
    return kept


def _stands_on(
    points: Float32[np.ndarray, "n 3"], thing: Bool[np.ndarray, "n"], ground: Bool[np.ndarray, "n"],
    up: Float64[np.ndarray, "3"],
) -> bool:  # fmt: skip
    """Whether the ground goes on around the thing: else it is the thing's own underside."""
    return bool((~_around(points[ground], points[thing], up, reach=1.05)).mean() > _GROUND_BESIDE)


def _spacing(points: Float32[np.ndarray, "n 3"]) -> float:
    """Typical distance between neighbouring points."""
    some = points[:: max(len(points) // 2000, 1)]
    away, _ = cKDTree(points).query(some, k=min(5, len(points)))
    return float(np.median(np.atleast_2d(away)[:, -1]))


def _around(
    points: Float32[np.ndarray, "n 3"], thing: Float32[np.ndarray, "m 3"], up: Float64[np.ndarray, "3"],
    reach: float = _SURROUNDING,
) -> Bool[np.ndarray, "n"]:  # fmt: skip
    """Points within so many radii of the thing's middle, seen along `up`."""
    across = np.eye(3) - np.outer(up, up)
    flat, foot = points @ across, thing @ across
    middle = (foot.min(axis=0) + foot.max(axis=0)) / 2
    radius = np.linalg.norm(foot - middle, axis=1).max()
    return np.asarray(np.linalg.norm(flat - middle, axis=1) < reach * radius)


def _most_looked_at(
    points: Float32[np.ndarray, "n 3"], things: np.ndarray, middle: Float64[np.ndarray, "3"], distance: float
) -> int | None:
    """The thing with the most points, those near what is looked at counting most."""
    if len(points) == 0 or things.max() == 0:
        return None
    away = np.linalg.norm(points - middle, axis=1) / (_REACH * distance)
    weight = np.bincount(things, weights=np.exp2(-(away**2)))
    weight[0] = 0
    best = int(weight.argmax())
    return best if (things == best).sum() >= _SMALLEST_SHARE * len(points) else None
