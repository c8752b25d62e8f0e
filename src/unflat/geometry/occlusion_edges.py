"""Occlusion edges of a depth grid: where neighbouring samples see different surfaces.

A jump counts against the slope on its own two sides, so that a surface seen at a grazing angle, which also changes
much from sample to sample, is not torn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_JUMP_OVER_SLOPE = 4.0
"""A jump is this much larger than the steps beside it. At a ball's rim, where depth grows as the square root of the
distance, the last step is up to 3.15 times the one before the last."""
_CERTAIN_TOLERANCES = 3.0
"""A jump of this many tolerances is torn whatever the slope: no surface that anyone wants is seen at such an angle."""
_RAMP_SAMPLES = 3
"""Mixed samples smear a jump over up to this many steps (resampling and networks do); wider ramps are surface."""
_EDGE_WINDOW = 2
"""Half width in samples of the window that finds where between two samples an edge runs."""
_NARROWEST_SHARE = 0.15
"""An edge keeps this share of a sample's width from both samples, or the triangles beside it become needles."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """Where neighbouring samples are torn apart, as a position between them from 0 (this one) to 1; NaN: not torn."""

    right: Float32[np.ndarray, "h w_less_1"]
    """Between sample (row, column) and (row, column + 1)."""
    down: Float32[np.ndarray, "h_less_1 w"]
    """Between sample (row, column) and (row + 1, column)."""


def no_cuts(height: int, width: int) -> Cuts:
    """Cuts that tear nothing."""
    return Cuts(np.full((height, width - 1), np.nan, np.float32), np.full((height - 1, width), np.nan, np.float32))


def find_cuts(nearness: Float64[np.ndarray, "h w"], tolerance: Float64[np.ndarray, "h w"]) -> Cuts:
    """The cuts of a grid of nearness (NaN where there is no sample). A jump within `tolerance` is never torn."""
    return Cuts(
        _cuts_along_rows(nearness, tolerance),
        np.ascontiguousarray(_cuts_along_rows(nearness.T, tolerance.T).T),
    )


def snapped_ramps(
    nearness: Float64[np.ndarray, "h w"], tolerance: Float64[np.ndarray, "h w"]
) -> Float64[np.ndarray, "h w"]:
    """The grid with each smeared jump made sharp: samples amid a ramp join the side that they are nearer to."""
    along_rows = _snapped_along_rows(nearness, tolerance)
    return np.ascontiguousarray(_snapped_along_rows(along_rows.T, tolerance.T).T)


def joined(inside: Bool[np.ndarray, "h w"], cuts: Cuts) -> tuple[np.ndarray, np.ndarray]:
    """Whether each sample is on the same surface as its right (h, w-1) and its lower (h-1, w) neighbour."""
    right = inside[:, :-1] & inside[:, 1:] & np.isnan(cuts.right)
    down = inside[:-1] & inside[1:] & np.isnan(cuts.down)
    return right, down


def label_parts(inside: Bool[np.ndarray, "h w"], cuts: Cuts) -> tuple[Int32[np.ndarray, "h w"], int]:
    """Connected surfaces numbered from 0, -1 outside; and how many. Linear in samples."""
    right, down = joined(inside, cuts)
    index = np.arange(inside.size).reshape(inside.shape)
    first = np.concatenate([index[:, :-1][right], index[:-1][down]])
    second = np.concatenate([index[:, 1:][right], index[1:][down]])
    graph = coo_matrix((np.ones(len(first), np.int8), (first, second)), shape=(inside.size, inside.size))
    _, labels = connected_components(graph, directed=False)
    used, renumbered = np.unique(labels[inside.ravel()], return_inverse=True)
    parts = np.full(inside.size, -1, np.int32)
    parts[inside.ravel()] = renumbered
    return parts.reshape(inside.shape), len(used)


def _cuts_along_rows(nearness: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    jump = np.abs(np.diff(nearness, axis=1))
    slope = np.maximum(_slope_before(nearness)[:, :-1], _slope_after(nearness)[:, 1:])
    allowed = np.minimum(tolerance[:, :-1], tolerance[:, 1:])
    torn = (jump > allowed) & (jump > np.minimum(_JUMP_OVER_SLOPE * slope, _CERTAIN_TOLERANCES * allowed))
    position = np.full(jump.shape, np.nan, np.float32)
    rows, columns = np.nonzero(torn)
    position[rows, columns] = _edge_positions(nearness, rows, columns)
    return position


def _slope_before(nearness: np.ndarray) -> np.ndarray:
    """Step size just left of each sample: the lesser of two steps, since one of them may be a jump; 0 if unknown."""
    steps = np.abs(np.diff(nearness, axis=1, prepend=np.nan))
    further = np.concatenate([np.full_like(steps[:, :1], np.nan), steps[:, :-1]], axis=1)
    return np.nan_to_num(np.fmin(steps, further), nan=0.0)


def _slope_after(nearness: np.ndarray) -> np.ndarray:
    return _slope_before(nearness[:, ::-1])[:, ::-1]


def _snapped_along_rows(nearness: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    snapped = nearness.copy()
    before, after = _slope_before(nearness), _slope_after(nearness)
    for samples in range(2, _RAMP_SAMPLES + 1):
        if nearness.shape[1] <= samples:
            continue
        left, right = nearness[:, :-samples], nearness[:, samples:]
        jump = np.abs(right - left)
        slope = np.maximum(before[:, :-samples], after[:, samples:])
        ramp = (jump > np.minimum(tolerance[:, :-samples], tolerance[:, samples:])) & (
            jump > _JUMP_OVER_SLOPE * samples * slope
        )
        rows, columns = np.nonzero(ramp)
        low, high = left[ramp], right[ramp]
        for step in range(1, samples):
            here = nearness[rows, columns + step]
            snapped[rows, columns + step] = np.where(np.abs(here - low) <= np.abs(here - high), low, high)
    return snapped


def _edge_positions(nearness: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Where the edge between a sample and its right neighbour runs: the half level of the blurred near side."""
    middle = (nearness[rows, columns] + nearness[rows, columns + 1]) / 2
    shares = [_near_share(nearness, rows, columns + side, middle) for side in (0, 1)]
    difference = shares[1] - shares[0]
    level = np.divide(0.5 - shares[0], difference, out=np.full(len(rows), 0.5), where=np.abs(difference) > 1e-6)
    return np.clip(level, _NARROWEST_SHARE, 1 - _NARROWEST_SHARE).astype(np.float32)


def _near_share(nearness: np.ndarray, rows: np.ndarray, columns: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Gaussian-weighted share of known samples around that are nearer than the level."""
    height, width = nearness.shape
    total, near = np.zeros(len(rows)), np.zeros(len(rows))
    for down in range(-_EDGE_WINDOW, _EDGE_WINDOW + 1):
        for right in range(-_EDGE_WINDOW, _EDGE_WINDOW + 1):
            value = nearness[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
            weight = np.exp(-(down * down + right * right) / 2.0) * ~np.isnan(value)
            total += weight
            near += weight * (value > level)
    return near / np.maximum(total, 1e-9)
