"""A view's depth on a grid of its own: cropped to the object, resampled without mixing surfaces, made whole."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core.camera import Camera
from unflat.geometry.depth_fill import filled, noise_of, smoothed, specks, thin_or_small, without_terraces
from unflat.geometry.nearness import depth_steps_to_nearness
from unflat.geometry.occlusion_edges import Cuts, find_cuts, snapped_ramps

_OUTLINE_BLUR = 0.7
"""Standard deviation in samples of the blur that takes the staircase off a hard mask; lines one sample wide survive."""
_SPECK_SAMPLES = 3.0
"""Surfaces nowhere wider than this are mixed samples of an occlusion edge, not things."""
_QUIET_NOISE = 0.05
"""Noise up to this share of a sample's width is invisible and left alone."""
_MOST_SMOOTHING_STEPS = 60
"""Bounds time: blurs over about five samples, which tames noise thirty times the quiet one."""
_BOUND_SIGMAS = 2.0
"""Smoothing moves no sample further than this many standard deviations of its noise."""
_VARIANCE_PER_STEP = 0.4
"""Growth of the blur's variance per axis and smoothing step, in samples squared."""
_LEAST_TEAR_SAMPLES = 4.0
"""Steps in depth of up to so many samples' widths are slopes (of 76 degrees), not edges, however coarse the grid is."""
_JUST_OUTSIDE = np.float32(0.499)
"""Coverage of a sample that the blur took in but that has no depth: the outline ends right before it."""


@dataclass(frozen=True, eq=False)
class DepthGrid:
    """Samples of an object's depth, as nearness (`unflat.geometry.nearness`)."""

    camera: Camera
    """Its image is the grid."""
    nearness: Float64[np.ndarray, "h w"]
    """NaN where unknown."""
    coverage: Float32[np.ndarray, "h w"]
    """How much of each sample is object, 0..1."""
    half_level: Float64[np.ndarray, "h w"]
    """Half the distance between two numbers that the map could store; 0 where it is fine."""

    @property
    def wanted(self) -> Bool[np.ndarray, "h w"]:
        """Samples that are more object than background."""
        return np.asarray(self.coverage > 0.5)

    @property
    def long_side(self) -> int:
        """Longer side of the object in samples."""
        return int(max(np.count_nonzero(self.wanted.any(axis=axis)) for axis in (0, 1)))


@dataclass(frozen=True, eq=False)
class WholeDepth:
    """A depth grid without holes, specks and noise."""

    camera: Camera
    nearness: Float64[np.ndarray, "h w"]
    """Finite wherever coverage is above one half."""
    coverage: Float32[np.ndarray, "h w"]
    """The object's share of each sample, 0 where no depth could be found; soft at the outline."""
    seen: Bool[np.ndarray, "h w"]
    """Where depth was measured, not filled in."""
    cuts: Cuts
    left_out: float
    """Share of the object for which there is no depth."""


def resampled(grid: DepthGrid, longest_px: int, cut: float) -> DepthGrid:
    """The grid with its object at most `longest_px` samples long; never finer than it was.

    Between samples the nearness is interpolated, but only among those on the surface of the nearest one (see
    `tear_tolerance`), so that nothing floats between an object and what is behind it.
    """
    pitch = max(1.0, grid.long_side / longest_px)
    rows, columns = grid.nearness.shape
    width, height = max(2, round(columns / pitch)), max(2, round(rows / pitch))
    if (height, width) == (rows, columns):
        return grid
    y = (np.arange(height) + 0.5) * rows / height - 0.5
    x = (np.arange(width) + 0.5) * columns / width - 0.5
    nearest = np.ix_(np.rint(y).astype(int).clip(0, rows - 1), np.rint(x).astype(int).clip(0, columns - 1))
    return DepthGrid(
        grid.camera.resized(width, height),
        _interpolated(grid.nearness, y, x, tear_tolerance(grid, grid.nearness, cut)[nearest]),
        cv2.resize(grid.coverage, (width, height), interpolation=cv2.INTER_AREA),
        grid.half_level[nearest],
    )


def tear_tolerance(grid: DepthGrid, nearness: Float64[np.ndarray, "h w"], cut: float) -> Float64[np.ndarray, "h w"]:
    """The jump in nearness that counts as an edge: a step in depth of `cut` times the object's longer side there."""
    return max(cut * grid.long_side, _LEAST_TEAR_SAMPLES) * depth_steps_to_nearness(grid.camera, nearness)


def whole_depth(grid: DepthGrid, *, cut: float, fill: float, denoise: float) -> WholeDepth:
    """The grid made whole: holes filled, smeared jumps sharpened and cut, specks replaced, noise smoothed.

    `cut` and `fill` are shares of the object's longer side: the least jump that is cut, the widest hole that is filled.
    Linear in samples: 0.4 s for 512 x 512.
    """
    measured = np.where(grid.wanted, grid.nearness, np.nan)
    whole = _filled(grid, measured, cut, fill)
    sharp = snapped_ramps(whole, tear_tolerance(grid, whole, cut))
    moved, whole = sharp != whole, sharp
    doubtful = specks(np.isfinite(whole), find_cuts(whole, tear_tolerance(grid, whole, cut)), _SPECK_SAMPLES)
    whole = _filled(grid, np.where(doubtful, np.nan, whole), cut, fill)
    known = np.isfinite(whole)
    whole = _quiet(grid, whole, cut, denoise)
    coverage = _soft_outline(np.where(grid.wanted & ~known, 0, grid.coverage))
    return WholeDepth(
        grid.camera,
        whole,
        np.where(known, coverage, np.minimum(coverage, _JUST_OUTSIDE)),
        np.isfinite(measured) & ~doubtful & ~moved,
        find_cuts(whole, tear_tolerance(grid, whole, cut)),
        1.0 - np.count_nonzero(known) / max(1, int(grid.wanted.sum())),
    )


def _interpolated(values: np.ndarray, y: np.ndarray, x: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Bilinear interpolation at rows y and columns x among samples within the tolerance of the nearest one."""
    rows, columns = values.shape
    y, x = y.clip(0, rows - 1), x.clip(0, columns - 1)
    top, left = np.minimum(y.astype(int), max(rows - 2, 0)), np.minimum(x.astype(int), max(columns - 2, 0))
    fall, shift = (y - top)[:, None], (x - left)[None, :]
    nearest = values[np.ix_(np.rint(y).astype(int), np.rint(x).astype(int))]
    total, weights = np.zeros(nearest.shape), np.zeros(nearest.shape)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        value = values[np.ix_(np.minimum(top + down, rows - 1), np.minimum(left + right, columns - 1))]
        weight = np.abs(1 - down - fall) * np.abs(1 - right - shift) * (np.abs(value - nearest) <= tolerance)
        total += np.where(weight > 0, value, 0.0) * weight
        weights += weight
    return np.divide(total, weights, out=nearest.copy(), where=weights > 0)


def _filled(grid: DepthGrid, nearness: np.ndarray, cut: float, fill: float) -> np.ndarray:
    if not np.isfinite(nearness).any():
        return nearness
    holes = thin_or_small(grid.wanted & np.isnan(nearness), fill * grid.long_side)
    middle = np.full((1, 1), np.nanmedian(nearness))
    return filled(nearness, holes, float(tear_tolerance(grid, middle, cut)[0, 0]))


def _quiet(grid: DepthGrid, nearness: np.ndarray, cut: float, denoise: float) -> np.ndarray:
    """The grid without terraces and noise. How much to smooth follows from the noise that is found."""
    known = np.isfinite(nearness)
    if denoise == 0 or not known.any():
        return nearness
    terraced = bool(grid.half_level[known].any())
    if terraced:
        nearness = without_terraces(nearness, known, grid.half_level)
    cuts = find_cuts(nearness, tear_tolerance(grid, nearness, cut))
    noise = noise_of(nearness, known, cuts)
    one_step = depth_steps_to_nearness(grid.camera, np.full((1, 1), np.nanmedian(nearness)))[0, 0]
    blur = denoise * noise / (_QUIET_NOISE * one_step * 2 * np.sqrt(np.pi))
    steps = (
        min(round(blur * blur / _VARIANCE_PER_STEP), _MOST_SMOOTHING_STEPS) if noise > _QUIET_NOISE * one_step else 0
    )
    return smoothed(nearness, known, cuts, grid.half_level + _BOUND_SIGMAS * denoise * noise, steps)


def _soft_outline(coverage: np.ndarray) -> Float32[np.ndarray, "h w"]:
    return cv2.GaussianBlur(coverage.astype(np.float32), (5, 5), _OUTLINE_BLUR, borderType=cv2.BORDER_REPLICATE)
