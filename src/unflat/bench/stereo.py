"""The stereo benchmark: depth of two photos with known cameras against measured disparities."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.bench.photos_engine import cpu_seconds
from unflat.bench.single_view_table import markdown
from unflat.core import Camera, Context, Photo, View, Views
from unflat.stages.pose.structure_from_motion import StructureFromMotion
from unflat.stages.reconstruct.multi_view_stereo import MultiViewStereo

THRESHOLDS_PX = (1.0, 2.0, 4.0)
_FOCAL_PX, _MIDDLE_PX, _ROW_PX, _OFFSET_PX, _BASELINE_M = 994.978, 311.193, 254.877, 31.086, 0.193001
"""Calibration of the motorcycle at this size: both principal points lie at the same row, the right one `_OFFSET_PX`
further right."""
_MOST_DISPARITY_PX = 80
"""Of OpenCV's matcher; ours looks where the points are that both photos share."""

Pair = tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"]]
Disparity = Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class StereoRow:
    """How one method did. Shares are of the pixels whose disparity was measured."""

    method: str
    known: float
    """Share that has a value at all."""
    mean: float | None
    """Absolute error in pixels where there is a value; None where there is none."""
    median: float | None
    bad: tuple[float, ...]
    """Share that is off by more than each of `THRESHOLDS_PX`, or unknown (Scharstein and Szeliski 2002)."""
    known_bad: tuple[float, ...]
    """The same among those that have a value."""
    seconds: float
    cpu_s: float


def bench_stereo(tell: Callable[[str], None]) -> list[StereoRow]:
    """Our depth stage and OpenCV's semi-global matcher on Middlebury's motorcycle, as a table; about half a minute."""
    left, right, true = motorcycle_pair()
    methods: dict[str, Callable[[Pair], Disparity]] = {"unflat": _ours, "opencv sgbm": _semi_global}
    rows = []
    for name, method in methods.items():
        started, started_cpu = time.perf_counter(), cpu_seconds()
        found = method((left, right))
        seconds, cpu = time.perf_counter() - started, cpu_seconds() - started_cpu
        rows.append(_row(name, found, true, seconds, cpu))
    tell(_table(rows))
    return rows


def motorcycle_pair() -> tuple[np.ndarray, np.ndarray, Float32[np.ndarray, "500 741"]]:
    """Middlebury's motorcycle (Scharstein et al. 2014) as scikit-image ships it: left, right, disparity of the left.

    The pictures are rectified sRGB; a point at column c of the left one is at ``c - disparity`` in the right one. NaN
    where the truth is unknown.
    """
    from skimage.data import stereo_motorcycle

    left, right, disparity = stereo_motorcycle()
    known = np.where(np.isfinite(disparity) & (disparity > 0), disparity, np.nan)
    return np.asarray(left), np.asarray(right), known.astype(np.float32)


def _row(method: str, found: Disparity, true: Disparity, seconds: float, cpu_s: float) -> StereoRow:
    judged = np.isfinite(true)
    errors = np.abs(found[judged].astype(np.float64) - true[judged])
    known = np.isfinite(errors)
    bad = tuple(float((~known | (errors > threshold)).mean()) for threshold in THRESHOLDS_PX)
    if not known.any():
        return StereoRow(method, 0.0, None, None, bad, (0.0,) * len(bad), seconds, cpu_s)
    own = errors[known]
    known_bad = tuple(float((own > threshold).mean()) for threshold in THRESHOLDS_PX)
    return StereoRow(
        method, float(known.mean()), float(own.mean()), float(np.median(own)), bad, known_bad, seconds, cpu_s
    )


def _ours(pair: Pair) -> Disparity:
    """As the recipe `photos` does it for photos with known cameras; unknown where the other photo does not agree."""
    views = Views(tuple(_view(pixels, side) for side, pixels in enumerate(pair)))
    placed = StructureFromMotion()(views, Context())
    dense = MultiViewStereo(keep="all")(placed, Context()).dense
    assert dense is not None
    view = dense.items[0]
    if view.depth is None or view.camera is None:
        return np.full(pair[0].shape[:2], np.nan, np.float32)
    return np.asarray(_FOCAL_PX * _BASELINE_M / view.depth.depth - _OFFSET_PX, np.float32)


def _view(pixels: UInt8[np.ndarray, "h w 3"], side: int) -> View:
    height, width = pixels.shape[:2]
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[0, 3] = side * _BASELINE_M
    camera = Camera(
        width, height, _FOCAL_PX, _FOCAL_PX, _MIDDLE_PX + 0.5 + side * _OFFSET_PX, _ROW_PX + 0.5, world_from_camera=pose
    )
    return View(Photo(pixels, name="right.png" if side else "left.png"), camera=camera)


def _semi_global(pair: Pair) -> Disparity:
    """OpenCV's semi-global block matching (Hirschmüller 2008) with the settings of its example."""
    matcher = cv2.StereoSGBM.create(
        minDisparity=0, numDisparities=_MOST_DISPARITY_PX, blockSize=5, P1=8 * 3 * 25, P2=32 * 3 * 25,
        disp12MaxDiff=1, uniquenessRatio=10, speckleWindowSize=100, speckleRange=2,
    )  # fmt: skip
    found = matcher.compute(*pair).astype(np.float32) / 16
    return np.where(found >= 0, found, np.float32(np.nan))


def _table(rows: list[StereoRow]) -> str:
    head = ["method", "known", "mean px", "median px"]
    head += [f"off by more than {limit:g}, of all" for limit in THRESHOLDS_PX]
    head += [f"off by more than {limit:g}, of known" for limit in THRESHOLDS_PX]
    lines = []
    for row in rows:
        errors = ["" if value is None else f"{value:.2f}" for value in (row.mean, row.median)]
        shares = [f"{share:.3f}" for share in (*row.bad, *row.known_bad)]
        lines.append([row.method, f"{row.known:.3f}", *errors, *shares, f"{row.seconds:.1f}", f"{row.cpu_s:.1f}"])
    return markdown([*head, "seconds", "core-seconds"], lines)
