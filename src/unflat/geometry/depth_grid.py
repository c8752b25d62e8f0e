"""A view's depth on a grid of its own: cropped to the object, resampled without mixing surfaces, made whole."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core.camera import Camera
from unflat.geometry.depth_fill import filled, noise_of, smoothed, specks, thin_or_small, without_terraces
from unflat.geometry.nearness import depth_of_nearness, depth_steps_to_nearness, nearness_of_depth
from unflat.geometry.occlusion_edges import Cuts, find_cuts, snapped_ramps

_MARGIN_PX = 3
"""Pixels kept around the outline, so that it can be found to a fraction of a pixel."""
_OUTLINE_BLUR = 0.7
"""Standard deviation in samples of the blur that takes the staircase off a hard mask; lines one sample wide survive."""
_SPECK_SAMPLES = 3.0
"""Surfaces nowhere wider than this are mixed samples of an occlusion edge, not things."""
_QUIET_NOISE_STEPS = 0.05
"""Noise up to this share of a sample's width is invisible and left alone."""
_MOST_SMOOTHING_STEPS = 60
"""Bounds time: blurs over about five samples, which tames noise ten times the quiet level."""
_BOUND_SIGMAS = 2.0
"""Smoothing moves no sample further than this many standard deviations of its noise."""
_SAMPLES_PER_LEVEL = 8
"""A map that uses each number this often on average was stored in few levels: an 8-bit picture, whole millimetres."""


@dataclass(frozen=True, eq=False)
class DepthGrid:
    """Samples of a view's depth around its object."""

    camera: Camera
    """Its image is the grid."""
    depth: Float32[np.ndarray, "h w"]
    """z-depth, NaN where unknown."""
    coverage: Float32[np.ndarray, "h w"]
    """How much of each sample is object, 0..1."""
    level_step: Float32[np.ndarray, "h w"]
    """Distance in depth between two storable numbers of the map; 0 where it is fine."""


@dataclass(frozen=True, eq=False)
class WholeDepth:
    """A depth grid without holes, specks and noise. All arrays are on the grid of `camera`."""

    camera: Camera
    depth: Float32[np.ndarray, "h w"]
    """Finite wherever coverage is above one half."""
    coverage: Float32[np.ndarray, "h w"]
    """The object's share of each sample, 0 where no depth could be found; soft at the outline."""
    seen: Bool[np.ndarray, "h w"]
    """Where depth was measured, not filled in."""
    cuts: Cuts
    left_out: float
    """Share of the object for which there is no depth."""


def sample_depth(
    camera: Camera,
    depth: Float32[np.ndarray, "h w"],
    alpha: Float32[np.ndarray, "h w"],
    grid_px: int,
    tear_share: float,
) -> DepthGrid:
    """The depth of the object (alpha above one half) on a grid of at most `grid_px` samples along its longer side.

    Between pixels the depth is interpolated, but only among pixels within `tear_share` of the depth of the nearest one, so that
    no sample floats between a surface and what is behind it. Never finer than the picture.
    """
    left, top, right, bottom = _box(alpha, _MARGIN_PX)
    crop = camera.cropped(left, top, right, bottom)
    pitch = max(1.0, (max(right - left, bottom - top) - 2 * _MARGIN_PX) / grid_px)
    width, height = max(2, round((right - left) / pitch)), max(2, round((bottom - top) / pitch))
    part = np.s_[top:bottom, left:right]
    x = (np.arange(width) + 0.5) * (right - left) / width - 0.5
    y = (np.arange(height) + 0.5) * (bottom - top) / height - 0.5
    known = depth[part][alpha[part] > 0.5]
    step = _level_step(known[np.isfinite(known)])
    return DepthGrid(
        crop.resized(width, height),
        _interpolated(depth[part], x, y, tear_share),
        cv2.resize(np.ascontiguousarray(alpha[part]), (width, height), interpolation=cv2.INTER_AREA),
        np.full((height, width), step, np.float32),
    )


def tear_tolerance(camera: Camera, samples: int, cut: float, nearness: Float64[np.ndarray, "h w"]) -> np.ndarray:
    """The jump in nearness, per sample, that counts as an edge: `cut` of the object's longer side (in samples)."""
    return cut * samples * depth_steps_to_nearness(camera, nearness)


def whole_depth(grid: DepthGrid, *, cut: float, fill: float, denoise: float) -> WholeDepth:
    """The grid made whole: small holes filled, smeared jumps sharpened and cut, specks replaced, noise smoothed.

    `cut` and `fill` are shares of the object's longer side: the least jump that is cut, the widest hole that is filled. Linear
    in samples: 0.4 s for 512 x 512.
    """
    camera, wanted = grid.camera, grid.coverage > 0.5
    long_side = float(max(wanted.any(axis=0).sum(), wanted.any(axis=1).sum()))

    def tolerance(nearness: np.ndarray) -> np.ndarray:
        return tear_tolerance(camera, round(long_side), cut, np.nan_to_num(nearness, nan=np.inf))

    def fill_small(nearness: np.ndarray) -> np.ndarray:
        holes = thin_or_small(wanted & np.isnan(nearness), fill * long_side + 1)
        least = np.nanmin(nearness) if np.isfinite(nearness).any() else 1.0
        return filled(nearness, holes, tear_tolerance(camera, round(long_side), cut, np.full_like(nearness, least)))

    measured = np.where(wanted, nearness_of_depth(camera, grid.depth.astype(np.float64)), np.nan)
    nearness = snapped_ramps(fill_small(measured), tolerance(fill_small(measured)))
    doubtful = specks(np.isfinite(nearness), find_cuts(nearness, tolerance(nearness)), _SPECK_SAMPLES)
    nearness = fill_small(np.where(doubtful, np.nan, nearness))
    known = np.isfinite(nearness)
    step = grid.level_step * np.abs(_depth_to_nearness_rate(camera, nearness))
    nearness = without_terraces(nearness, known, step / 2) if step[known].any() else nearness
    cuts = find_cuts(nearness, tolerance(nearness))
    nearness = _denoised(camera, nearness, cuts, denoise)
    coverage = _soft_coverage(grid.coverage, known, wanted)
    nearness = _spread_outwards(nearness, coverage > 0.5)
    return WholeDepth(
        camera,
        depth_of_nearness(camera, nearness).astype(np.float32),
        coverage,
        np.isfinite(measured) & known & ~doubtful,
        find_cuts(nearness, tolerance(nearness)),
        1.0 - float((known & wanted).sum()) / max(1, int(wanted.sum())),
    )
