"""Points of one picture found again in another one that is carried over by the first one's depth.

Once the other picture is seen from where the first one was taken, a turn of 60 degrees between the two is a matter of
a few pixels, which Lucas and Kanade's tracker (1981; pyramids after Bouguet 2000) finds where features no longer look
alike. Depth needs only be rough: what is found are places in the two pictures, whatever depth led there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from unflat.core import Camera
from unflat.core.arrays import freeze_fields
from unflat.geometry.cameras import depth_points, project, unproject
from unflat.geometry.image_sampling import bilinear

_SAME_DEPTH = 0.06
"""The other picture sees a place if its own depth there is the same but for this share."""
_WIDEST_DEG = 60.0
"""Angle between the two rays beyond which a surface is not compared."""
_GRID_PX = 8
"""Pixels between those that tell how much two pictures share."""
_NORMALISED_PX = 8.0
_LEAST_DEVIATION = 3.0
"""Greys (0..255) become multiples of their deviation in a window of this width, or of this least one."""
_CONTRAST = 40.0
_WINDOW_PX, _LEVELS = 25, 2
_PATCH_PX = 19
"""Side of the patches whose correlation is asked for in the end."""
_FARTHEST_PX = 25.0
"""A point that moves further than this was led by a depth that is wrong."""
_BACK_PX = 0.7
"""Tracked back, a point must come to where it began."""
_LEAST_CORRELATION = 0.7
_GAP_PX = 5
"""Gaps in the depth up to about this width are bridged."""
_BORDER_PX = 4
"""Depth is known around a point that is tracked."""


@dataclass(frozen=True, eq=False)
class DepthView:
    """A grey, undistorted picture (0..1), its pinhole camera, and its rough z-depth."""

    grey: Float32[np.ndarray, "h w"]
    camera: Camera
    depth: Float32[np.ndarray, "h w"]
    """NaN where unknown."""

    def __post_init__(self) -> None:
        freeze_fields(self, "grey", "depth")


def some_points(view: DepthView) -> Float64[np.ndarray, "n 3"]:
    """World points of every eighth pixel across and down, where depth is known."""
    depth = view.depth[::_GRID_PX, ::_GRID_PX]
    known = np.isfinite(depth)
    pixels = np.argwhere(known)[:, ::-1] * float(_GRID_PX) + 0.5
    return unproject(view.camera, pixels, depth[known].astype(np.float64))


def shared_share(first: DepthView, points: Float64[np.ndarray, "n 3"], second: DepthView) -> float:
    """Share of the first picture's `some_points` that the second one sees, and not from too far to the side."""
    return float(_seen_from(first, second, points)[1].sum()) / max(len(points), 1)


def found_again(
    first: DepthView, second: DepthView, points: Float32[np.ndarray, "n 2"]
) -> tuple[Int64[np.ndarray, "k"], Float32[np.ndarray, "k 2"]]:
    """Which points (pixels of the first picture) were found in the second one, and where there.

    A quarter of a second for a picture of 800 pixels.
    """
    height, width = first.depth.shape
    depth = _without_gaps(first.depth)
    surface = depth_points(first.camera, depth).reshape(-1, 3).astype(np.float64)
    flat, visible = _seen_from(first, second, surface)
    places, seen = flat.reshape(height, width, 2), visible.reshape(height, width)
    seen = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX), np.uint8)) > 0
    seen &= np.isfinite(depth)
    seen = cv2.erode(seen.astype(np.uint8), np.ones((2 * _BORDER_PX + 1,) * 2, np.uint8)) > 0
    began = np.flatnonzero(_at(seen, points))
    if len(began) == 0:
        return began, np.zeros((0, 2), np.float32)
    carried = cv2.remap(second.grey, places - np.float32(0.5), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    start = points[began] - np.float32(0.5)
    end, kept = _tracked(_normalised(first.grey), _normalised(carried), start)
    kept &= _at(seen, end + np.float32(0.5))
    kept[kept] &= _correlation(first.grey, carried, start[kept], end[kept]) > _LEAST_CORRELATION
    return began[kept], bilinear(places, end[kept] + np.float32(0.5))


def _without_gaps(depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Depth with the mean of what lies around where it is unknown; NaN in the middle of large gaps."""
    known = np.isfinite(depth)
    window = (_GAP_PX, _GAP_PX)
    sums = cv2.boxFilter(np.where(known, depth, np.float32(0)), -1, window, normalize=False)
    counts = cv2.boxFilter(known.astype(np.float32), -1, window, normalize=False)
    around = np.where(counts > 0, sums / np.maximum(counts, 1), np.float32(np.nan))
    return np.where(known, depth, around)


def _seen_from(
    first: DepthView, second: DepthView, points: Float64[np.ndarray, "n 3"]
) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, "n"]]:
    """For points that the first picture shows their places in the second one, and whether that one sees them."""
    pixels, depth = project(second.camera, points)
    known = np.isfinite(pixels).all(axis=1)
    places = np.where(known[:, None], pixels, -1.0).astype(np.float32)
    there = _nearest(second.depth, places)
    rays = [points - camera.center for camera in (first.camera, second.camera)]
    length = np.linalg.norm(rays[0], axis=1) * np.linalg.norm(rays[1], axis=1)
    cosine = np.einsum("ni,ni->n", *rays) / np.maximum(length, 1e-20)
    with np.errstate(invalid="ignore"):
        seen = known & (np.abs(there - depth) < _SAME_DEPTH * depth) & (cosine > np.cos(np.radians(_WIDEST_DEG)))
    return places, np.asarray(seen)


def _nearest(values: Float32[np.ndarray, "h w"], pixels: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n"]:
    """The values of the pixels that places lie in; NaN outside."""
    column, row = np.floor(pixels).astype(np.int64).T
    inside = (column >= 0) & (row >= 0) & (column < values.shape[1]) & (row < values.shape[0])
    found = np.full(len(pixels), np.nan, np.float32)
    found[inside] = values[row[inside], column[inside]]
    return found


def _at(flags: Bool[np.ndarray, "h w"], pixels: Float32[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n"]:
    """The flags of the pixels that places lie in; False outside."""
    return _nearest(flags.astype(np.float32), pixels) > 0


def _normalised(grey: Float32[np.ndarray, "h w"]) -> np.ndarray:
    """Grey without what light does to whole regions, as the tracker takes it."""
    values = grey * np.float32(255)
    low = cv2.GaussianBlur(values, (0, 0), _NORMALISED_PX)
    deviation = np.sqrt(cv2.GaussianBlur((values - low) ** 2, (0, 0), _NORMALISED_PX) + _LEAST_DEVIATION**2)
    return np.clip((values - low) / deviation * _CONTRAST + 128, 0, 255).astype(np.uint8)


def _tracked(
    here: np.ndarray, there: np.ndarray, start: Float32[np.ndarray, "n 2"]
) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, "n"]]:
    """Where the points go from one picture to the other, and whether they come back (whole-number pixel places)."""
    window = (_WINDOW_PX, _WINDOW_PX)
    end, forth, _ = cv2.calcOpticalFlowPyrLK(here, there, start, None, winSize=window, maxLevel=_LEVELS)
    again, back, _ = cv2.calcOpticalFlowPyrLK(there, here, end, None, winSize=window, maxLevel=_LEVELS)
    kept = (forth.ravel() > 0) & (back.ravel() > 0)
    kept &= np.linalg.norm(again - start, axis=1) < _BACK_PX
    return end, kept & (np.linalg.norm(end - start, axis=1) < _FARTHEST_PX)


def _correlation(
    here: Float32[np.ndarray, "h w"],
    there: Float32[np.ndarray, "h w"],
    start: Float32[np.ndarray, "n 2"],
    end: Float32[np.ndarray, "n 2"],
) -> Float64[np.ndarray, "n"]:
    """Of the patches around the two places of each point."""
    side = np.arange(_PATCH_PX, dtype=np.float32) - _PATCH_PX // 2 + np.float32(0.5)
    around = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    pair = []
    for picture, middle in ((here, start), (there, end)):
        patches = bilinear(picture, (middle[:, None] + around).reshape(-1, 2)).reshape(len(middle), _PATCH_PX**2)
        patches = patches.astype(np.float64)
        pair.append(patches - patches.mean(axis=1, keepdims=True))
    square = [(patches**2).sum(axis=1) for patches in pair]
    return np.asarray((pair[0] * pair[1]).sum(axis=1) / np.sqrt(square[0] * square[1] + 1e-9))
