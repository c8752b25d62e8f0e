"""Two shapes laid over each other: a search over all rotations, then ICP with scale that minimises Chamfer distance.

Symmetric throughout: each cloud looks for its nearest points in the other. One-way matching with a free scale would
shrink the moved cloud into a corner of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from unflat.geometry.similarities import turning

_ROTATIONS = 2048
"""About 20 degrees apart: from the nearest of them ICP finds home."""
_COARSE_POINTS, _FIELD_POINTS = 300, 2000
_GRID = 64
"""Side of the distance field in which the coarse search looks up distances instead of asking a tree."""
_CANDIDATES, _FINALISTS = 12, 2
_APART_COSINE = float(np.cos(np.radians(20)))
"""Candidates nearer to each other than this end in the same place."""
_FINE_POINTS, _FINE_STEPS = 400, 8
_FINAL = (1500, 25)
_POLISH = (5000, 8)
"""Points and steps of ICP for the finalists, and for the winner."""
_SOFTENING = 0.02
"""In radii. Weights of ``1 / (distance + this)`` make least squares minimise the mean distance, as Chamfer does."""
_SETTLED = 1e-4
"""A step that shortens the distance by less than this share of it is the last."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How one cloud lies over the other."""

    similarity: Float64[np.ndarray, "4 4"]
    """``fixed_from_moving``: turns, scales and shifts; never mirrors."""
    distance: float
    """Half-sum Chamfer distance of the points used, in units of the fixed cloud."""


def register(
    moving: Float64[np.ndarray, "n 3"],
    fixed: Float64[np.ndarray, "m 3"],
    start: Float64[np.ndarray, "3 3"] | None = None,
    seed: int = 0,
) -> Registration:
    """The similarity that brings the moving points over the fixed ones with the least half-sum Chamfer distance.

    All rotations are searched; `start`, one that is known to be about right, is refined in any case. Points should be
    spread evenly over both surfaces, in any order. About 0.5 s on one core.
    """
    pair = _Pair.of(moving, fixed, seed)
    rotations = _spread_rotations(_ROTATIONS)
    if start is not None:
        rotations = np.concatenate([start[None], rotations])
    best = _distinct(rotations, pair.coarse_distances(rotations), keep_first=start is not None)
    candidates = [pair.refined(turning(rotation), _FINE_POINTS, _FINE_STEPS) for rotation in best]
    finalists = sorted(candidates, key=_distance_of)[:_FINALISTS]
    if start is not None and candidates[0] not in finalists:
        finalists.append(candidates[0])
    return pair.settled(min((pair.refined(one.similarity, *_FINAL) for one in finalists), key=_distance_of))


def register_from(
    moving: Float64[np.ndarray, "n 3"],
    fixed: Float64[np.ndarray, "m 3"],
    start: Float64[np.ndarray, "3 3"],
    seed: int = 0,
) -> Registration:
    """As `register`, but without a search: what ICP makes of the rotation that is given. About 0.25 s."""
    pair = _Pair.of(moving, fixed, seed)
    return pair.settled(pair.refined(pair.refined(turning(start), _FINE_POINTS, _FINE_STEPS).similarity, *_FINAL))


def _distance_of(registration: Registration) -> float:
    return registration.distance


@dataclass(frozen=True, eq=False)
class _Cloud:
    """Points about their centroid with a root mean square radius of 1, in random order."""

    points: Float64[np.ndarray, "n 3"]
    center: Float64[np.ndarray, "3"]
    radius: float

    @staticmethod
    def of(points: Float64[np.ndarray, "n 3"], seed: int) -> _Cloud:
        points = points.astype(np.float64)
        center = points.mean(axis=0)
        local = points - center
        radius = max(float(np.sqrt((local**2).sum(axis=1).mean())), 1e-12)
        return _Cloud(local[np.random.default_rng(seed).permutation(len(local))] / radius, center, radius)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Both clouds, made ready for questions."""

    moving: _Cloud
    fixed: _Cloud

    @staticmethod
    def of(moving: np.ndarray, fixed: np.ndarray, seed: int) -> _Pair:
        return _Pair(_Cloud.of(moving, seed), _Cloud.of(fixed, seed + 1))

    def coarse_distances(self, rotations: Float64[np.ndarray, "r 3 3"]) -> Float64[np.ndarray, "r"]:
        """Half-sum Chamfer distance for each rotation about the centroids, to about a cell of the distance field."""
        few, many = slice(_COARSE_POINTS), slice(_FIELD_POINTS)
        there, back = _DistanceField(self.fixed.points[many]), _DistanceField(self.moving.points[many])
        turned = np.einsum("rij,nj->rni", rotations, self.moving.points[few])
        returned = np.einsum("rji,nj->rni", rotations, self.fixed.points[few])
        return np.asarray((there.at(turned).mean(axis=1) + back.at(returned).mean(axis=1)) / 2)

    def refined(self, similarity: Float64[np.ndarray, "4 4"], count: int, steps: int) -> Registration:
        """ICP (Besl and McKay 1992) in both directions, reweighted so that it minimises the mean distance."""
        a, b = self.moving.points[:count], self.fixed.points[:count]
        tree_a, tree_b = cKDTree(a), cKDTree(b)
        best = Registration(similarity, np.inf)
        for _ in range(steps + 1):
            scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
            moved = a @ similarity[:3, :3].T + similarity[:3, 3]
            returned = (b - similarity[:3, 3]) @ similarity[:3, :3] / scale**2
            there, nearest_b = tree_b.query(moved)
            back, nearest_a = tree_a.query(returned)
            distance = float(there.mean() + scale * back.mean()) / 2
            gain = best.distance - distance
            if gain > 0:
                best = Registration(similarity, distance)
            if gain < _SETTLED * distance:
                break
            weights = 1 / (np.concatenate([there, scale * back]) + _SOFTENING)
            weights[: len(a)] /= len(a)
            weights[len(a) :] /= len(b)
            source, target = np.concatenate([a, a[nearest_a]]), np.concatenate([b[nearest_b], b])
            similarity = fitted_similarity(source, target, weights)
        return best

    def settled(self, registration: Registration) -> Registration:
        """The last steps with all points, and the result in the units of the clouds as they were given."""
        registration = self.refined(registration.similarity, *_POLISH)
        matrix = registration.similarity.copy()
        matrix[:3, :3] *= self.fixed.radius / self.moving.radius
        matrix[:3, 3] = self.fixed.center + self.fixed.radius * matrix[:3, 3] - matrix[:3, :3] @ self.moving.center
        return Registration(matrix, registration.distance * self.fixed.radius)


class _DistanceField:
    """Distance to the nearest of some points, on a grid around them."""

    def __init__(self, points: Float64[np.ndarray, "n 3"]) -> None:
        self._reach = 1.05 * float(np.abs(points).max())
        self._cell = 2 * self._reach / _GRID
        empty = np.ones((_GRID,) * 3, bool)
        empty[tuple(self._index(points).T)] = False
        self._distance = (distance_transform_edt(empty) * self._cell).astype(np.float32)

    def _index(self, points: np.ndarray) -> np.ndarray:
        return np.clip(((points + self._reach) / self._cell).astype(np.int32), 0, _GRID - 1)

    def at(self, points: Float64[np.ndarray, "r n 3"]) -> np.ndarray:
        """Distances at points; beyond the grid, the way to the grid is added."""
        index = self._index(points)
        beyond = np.maximum(np.abs(points) - self._reach, 0).sum(axis=-1)
        return np.asarray(self._distance[index[..., 0], index[..., 1], index[..., 2]] + beyond)


def fitted_similarity(
    source: Float64[np.ndarray, "n 3"], target: Float64[np.ndarray, "n 3"], weights: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "4 4"]:
    """The similarity (no mirroring) that takes the source to the target with the least weighted squares.

    Umeyama 1991.
    """
    share = weights / weights.sum()
    middle_s, middle_t = share @ source, share @ target
    s, t = source - middle_s, target - middle_t
    u, stretch, v = np.linalg.svd((t * share[:, None]).T @ s)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    rotation = (u * signs) @ v
    scale = float(stretch @ signs) / max(float(share @ (s**2).sum(axis=1)), 1e-12)
    matrix = turning(scale * rotation)
    matrix[:3, 3] = middle_t - scale * rotation @ middle_s
    return matrix


def _spread_rotations(count: int) -> Float64[np.ndarray, "count 3 3"]:
    """Rotations spread evenly over all of them: super-Fibonacci spirals (Alexa 2022)."""
    step = np.arange(count) + 0.5
    radius, other = np.sqrt(step / count), np.sqrt(1 - step / count)
    alpha, beta = 2 * np.pi * step / np.sqrt(2.0), 2 * np.pi * step / 1.533751168755204288118041
    x, y, z, w = radius * np.sin(alpha), radius * np.cos(alpha), other * np.sin(beta), other * np.cos(beta)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _distinct(
    rotations: Float64[np.ndarray, "r 3 3"], distances: Float64[np.ndarray, "r"], *, keep_first: bool
) -> Float64[np.ndarray, "k 3 3"]:
    """The best few rotations that lie apart from each other, the first of all in front if it is to be kept."""
    order = np.argsort(distances, kind="stable")
    kept = [rotations[0]] if keep_first else []
    for index in order:
        cosines = [(np.einsum("ij,ij->", rotations[index], other) - 1) / 2 for other in kept]
        if all(cosine < _APART_COSINE for cosine in cosines):
            kept.append(rotations[index])
        if len(kept) == _CANDIDATES:
            break
    return np.array(kept)
