"""Points of the world from where several cameras see them, though some may be wrong about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64

from unflat.core import Camera
from unflat.geometry.cameras import pixel_rays, project

_NARROWEST_DEG = 2.0
"""Rays that meet at a smaller angle tell no depth."""
_MOST_PAIRS = 150
_ENOUGH = 0.9
"""No further pair is tried once so large a share of the cameras agrees."""
_REWEIGHTINGS = 3
_REFITS = 3


@dataclass(frozen=True, eq=False)
class Triangulated:
    """Points and how well they explain what was seen."""

    points: Float64[np.ndarray, "n 3"]
    """World."""
    error_px: float
    """Root mean square of the distances between where a point was seen and where it projects."""
    agreeing: Bool[np.ndarray, "v"]
    """The views that see the points where they project."""


def triangulated(
    cameras: Sequence[Camera], pixels: Float64[np.ndarray, "v n 2"], tolerance_px: float, seed: int = 0
) -> Triangulated | None:
    """The n points that most of the v cameras agree on; None where no two from different sides do.

    A camera agrees if it sees all points within the tolerance, so that one which mistook the thing for another is left
    out. Pairs of cameras propose (RANSAC, at most 150), all that agree decide. Linear in the cameras.
    """
    rays = [pixel_rays(camera, seen) for camera, seen in zip(cameras, pixels, strict=True)]
    origins = np.stack([origin for origin, _ in rays])
    directions = np.stack([direction / np.linalg.norm(direction, axis=1, keepdims=True) for _, direction in rays])
    best, best_score = None, (1, 0.0)
    for pair in _pairs(len(cameras), seed):
        chosen = np.array(pair)
        if _meeting_angle_deg(directions[chosen]) < _NARROWEST_DEG:
            continue
        errors = _errors_px(cameras, pixels, _nearest_points(origins[chosen], directions[chosen]))
        agreeing = errors < tolerance_px
        score = (int(agreeing.sum()), -float(errors[agreeing].sum()))
        if agreeing[chosen].all() and score > best_score:
            best, best_score = agreeing, score
            if agreeing.mean() >= _ENOUGH:
                break
    if best is None:
        return None
    for _ in range(_REFITS):
        points = _nearest_points(origins[best], directions[best])
        errors = _errors_px(cameras, pixels, points)
        again = errors < tolerance_px
        if again.sum() < 2 or (again == best).all():
            break
        best = again
    seen = [project(camera, points)[0] for camera, agrees in zip(cameras, best, strict=True) if agrees]
    squares = ((np.stack(seen) - pixels[best]) ** 2).sum(axis=2)
    return Triangulated(points, float(np.sqrt(squares.mean())), best)


def _pairs(count: int, seed: int) -> list[tuple[int, int]]:
    pairs = list(combinations(range(count), 2))
    if len(pairs) <= _MOST_PAIRS:
        return pairs
    rng = np.random.default_rng(seed)
    return [pairs[index] for index in rng.choice(len(pairs), _MOST_PAIRS, replace=False)]


def _meeting_angle_deg(directions: Float64[np.ndarray, "v n 3"]) -> float:
    """The smallest angle at which the first two cameras' rays to a point meet."""
    return float(np.degrees(np.arccos(np.clip((directions[0] * directions[1]).sum(axis=1), -1, 1))).min())


def _nearest_points(
    origins: Float64[np.ndarray, "v n 3"], directions: Float64[np.ndarray, "v n 3"]
) -> Float64[np.ndarray, "n 3"]:
    """The points nearest to their rays in angle: least squares of distances over depths, solved and weighted anew."""
    across = np.eye(3) - directions[..., :, None] * directions[..., None, :]
    weights = np.ones(origins.shape[:2])
    for _ in range(_REWEIGHTINGS):
        total = np.einsum("vn,vnij->nij", weights, across)
        moments = np.einsum("vn,vnij,vnj->ni", weights, across, origins)
        points = np.linalg.solve(total, moments[..., None])[..., 0]
        weights = 1 / np.maximum(((points - origins) ** 2).sum(axis=2), 1e-18)
        weights /= weights.sum(axis=0)
    return points


def _errors_px(
    cameras: Sequence[Camera], pixels: Float64[np.ndarray, "v n 2"], points: Float64[np.ndarray, "n 3"]
) -> Float64[np.ndarray, "v"]:
    """For each camera its largest error; infinite where a point lies behind it."""
    found = []
    for camera, seen in zip(cameras, pixels, strict=True):
        at, depth = project(camera, points)
        away = np.linalg.norm(at - seen, axis=1)
        found.append(float(np.where(depth > 0, away, np.inf).max()))
    return np.array(found)
