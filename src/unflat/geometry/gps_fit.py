"""The scale, and the way up and north, that fits a set of cameras to where GPS says they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from unflat.geometry.registration import fitted_similarity

FEWEST = 3
"""With fewer photos nothing tells a wrong position."""
_TRIES = 300
_AGREEING_SHARE = 0.6
_SMALLEST_ERROR_M = 1.0
"""No GPS in a photo is believed to be better than this."""
_STEEPEST_ERROR_DEG = 1.5
"""Heights decide the way up where they tell it so well; else the photos do, by ground or by how they were held."""

_Positions = Float64[np.ndarray, "n 3"]


@dataclass(frozen=True, eq=False)
class GpsFit:
    """How a world of cameras lies on Earth."""

    similarity: Float64[np.ndarray, "4 4"]
    """From the cameras' world to metres with X east, Y up, Z south, and the positions' origin."""
    error: float
    """Standard error of the scale, as a share of it."""
    agreeing: Bool[np.ndarray, "n"]
    """The positions that were believed."""


def extent_m(positions: Float64[np.ndarray, "n 3"]) -> float:
    """How far apart the two positions (east, north, up) furthest from each other are on the map."""
    level = positions[:, :2]
    return float(max(np.linalg.norm(level - one, axis=1).max() for one in level))


def fitted_to_gps(
    centers: Float64[np.ndarray, "n 3"], positions: Float64[np.ndarray, "n 3"], seed: int = 0
) -> GpsFit | None:
    """Fit upright cameras (+Y up) to positions in metres (east, north, up; up NaN where unknown).

    Up stays as it is, unless the heights tell it to 1.5 degrees. A few positions propose (RANSAC), least squares of all
    that agree decide (Umeyama 1991). None where most do not agree.
    """
    target = np.column_stack([positions[:, 0], positions[:, 2], -positions[:, 1]])
    with_heights = _with_heights(centers, target, seed)
    if with_heights is not None:
        return with_heights
    agreeing = _agreeing(_LEVEL, centers, target, seed)
    if agreeing is None:
        return None
    similarity = _level_fit(centers[agreeing], target[agreeing])
    if np.isfinite(target[:, 1]).any():
        similarity[1, 3] = float(np.nanmedian(target[:, 1] - _moved(similarity, centers)[:, 1]))
    return GpsFit(similarity, _scale_error(_LEVEL, similarity, centers[agreeing], target[agreeing]), agreeing)


def _with_heights(centers: _Positions, target: _Positions, seed: int) -> GpsFit | None:
    """With the way up from the heights; None where they tell it worse than the photos."""
    known = np.isfinite(target[:, 1])
    if known.sum() <= FEWEST or known.mean() < _AGREEING_SHARE:
        return None
    agreeing_known = _agreeing(_FULL, centers[known], target[known], seed)
    if agreeing_known is None:
        return None
    agreeing = known.copy()
    agreeing[known] = agreeing_known
    source, wanted = centers[agreeing], target[agreeing]
    similarity = _full_fit(source, wanted)
    level = wanted[:, [0, 2]] - wanted[:, [0, 2]].mean(axis=0)
    breadth_m = max(float(np.linalg.svd(level, compute_uv=False)[1]), 1e-9)
    heights_m = max(float(np.std(_moved(similarity, source)[:, 1] - wanted[:, 1])), _SMALLEST_ERROR_M)
    if np.degrees(heights_m / breadth_m) > _STEEPEST_ERROR_DEG:
        return None
    return GpsFit(similarity, _scale_error(_FULL, similarity, source, wanted), agreeing)


def _full_fit(source: _Positions, target: _Positions) -> Float64[np.ndarray, "4 4"]:
    return fitted_similarity(source, target, np.ones(len(source)))


def _level_fit(source: _Positions, target: _Positions) -> Float64[np.ndarray, "4 4"]:
    """The turn about Y, the scale and the shift on the ground: least squares in the complex numbers x - i z."""
    one, other = source[:, 0] - 1j * source[:, 2], target[:, 0] - 1j * target[:, 2]
    middle, wanted = one.mean(), other.mean()
    turn = np.vdot(one - middle, other - wanted) / max(np.vdot(one - middle, one - middle).real, 1e-18)
    shift = wanted - turn * middle
    similarity = np.diag([0.0, abs(turn), 0.0, 1.0])
    similarity[0, 0], similarity[0, 2] = turn.real, turn.imag
    similarity[2, 0], similarity[2, 2] = -turn.imag, turn.real
    similarity[0, 3], similarity[2, 3] = shift.real, -shift.imag
    return similarity


@dataclass(frozen=True)
class _Model:
    """What may change between the cameras' world and the positions."""

    fit: Callable[[_Positions, _Positions], Float64[np.ndarray, "4 4"]]
    axes: tuple[int, ...]
    """Those that are compared."""
    fewest: int
    """Positions that decide it."""
    freedom: int
    tolerance_m: float
    """A position is wrong if it is further off; heights of GPS are half as good as positions on the ground."""


_LEVEL = _Model(_level_fit, (0, 2), 2, 4, 10.0)
_FULL = _Model(_full_fit, (0, 1, 2), 3, 7, 15.0)


def _agreeing(model: _Model, source: _Positions, target: _Positions, seed: int) -> Bool[np.ndarray, "n"] | None:
    """The positions that the best of many fits through a few of them explains; None where they are too few."""
    rng = np.random.default_rng(seed)
    count = len(source)
    best, best_score = np.zeros(count, bool), (0, 0.0)
    for _ in range(_TRIES):
        some = rng.choice(count, model.fewest, replace=False)
        away = _distances_m(model, model.fit(source[some], target[some]), source, target)
        agreeing = away < model.tolerance_m
        score = (int(agreeing.sum()), -float(away[agreeing].sum()))
        if score > best_score:
            best, best_score = agreeing, score
    return best if best.sum() >= max(FEWEST, _AGREEING_SHARE * count) else None


def _distances_m(
    model: _Model, similarity: Float64[np.ndarray, "4 4"], source: _Positions, target: _Positions
) -> Float64[np.ndarray, "n"]:
    return np.asarray(np.linalg.norm((_moved(similarity, source) - target)[:, list(model.axes)], axis=1))


def _moved(similarity: Float64[np.ndarray, "4 4"], points: _Positions) -> _Positions:
    return np.asarray(points @ similarity[:3, :3].T + similarity[:3, 3])


def _scale_error(
    model: _Model, similarity: Float64[np.ndarray, "4 4"], source: _Positions, target: _Positions
) -> float:
    """Standard error of the scale, from the deviations that are left (a coordinate's is believed to be 1 m or more)."""
    squares = float((_distances_m(model, similarity, source, target) ** 2).sum())
    left = max(len(model.axes) * len(source) - model.freedom, 1)
    spread = (target - target.mean(axis=0))[:, list(model.axes)]
    return max(float(np.sqrt(squares / left)), _SMALLEST_ERROR_M) / max(float(np.linalg.norm(spread)), 1e-9)
