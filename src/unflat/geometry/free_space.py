"""Free space: what photos look through, because the depth they agree on lies behind it, or a backdrop does."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64, UInt8

from unflat.core import Camera, View
from unflat.geometry.cameras import project

_AROUND_PX = 5
"""Side of the square of pixels that must all lie behind a point: outlines are a pixel or two off."""
_DEPTH_SHARE = 0.01
"""Depths are not surer than this."""
_PLAIN_PX, _PLAIN_LEVELS = 9, 3.0
"""Where levels (of 255) vary less than this in a square of this side, standard deviation, a picture is plain."""
_BACKDROPS = 2
"""So many views must show backdrop."""


def looked_through(points: Float32[np.ndarray, "n 3"], views: Iterable[View], slack: float) -> Int32[np.ndarray, "n"]:
    """For each point, how many views see something more than `slack` behind it. Linear in points times views.

    Views without depth and places where it is unknown say nothing.
    """
    counts = np.zeros(len(points), np.int32)
    for view in views:
        if view.depth is not None and view.camera is not None:
            counts += _depth_behind(view.depth.depth, view.camera, points, slack)
    return counts


def in_the_air(points: Float32[np.ndarray, "n 3"], views: Iterable[View], slack: float) -> Bool[np.ndarray, "n"]:
    """Points that a view looks through, or behind which several show a plain backdrop: a dark room, a white sweep.

    Backdrop is what is plain, without depth, and runs on to the picture's border. One view alone may have cut the
    object off, or not tell it from the backdrop. `slack`, cost and views without depth as in `looked_through`.
    """
    air, backdrops = np.zeros(len(points), np.bool_), np.zeros(len(points), np.int32)
    for view in views:
        if view.depth is None or view.camera is None:
            continue
        air |= _depth_behind(view.depth.depth, view.camera, points, slack)
        backdrop = _backdrop(view.photo.pixels, np.isfinite(view.depth.depth))
        inside, row, column, _ = _pixels_of(points, view.camera)
        backdrops[inside] += backdrop[row, column]
    return np.asarray(air | (backdrops >= _BACKDROPS))


def _depth_behind(
    depth: Float32[np.ndarray, "h w"], camera: Camera, points: Float32[np.ndarray, "n 3"], slack: float
) -> Bool[np.ndarray, "n"]:
    nearest = cv2.erode(np.nan_to_num(depth), np.ones((_AROUND_PX, _AROUND_PX), np.uint8))
    inside, row, column, away = _pixels_of(points, camera)
    behind = np.zeros(len(points), np.bool_)
    behind[inside] = nearest[row, column] > (1 + _DEPTH_SHARE) * away + slack
    return behind


def _pixels_of(
    points: Float32[np.ndarray, "n 3"], camera: Camera
) -> tuple[Bool[np.ndarray, "n"], Int64[np.ndarray, "m"], Int64[np.ndarray, "m"], Float64[np.ndarray, "m"]]:
    """Which points lie in the picture; row, column and depth of these."""
    pixels, depth = project(camera, points.astype(np.float64))
    inside = np.asarray(((pixels >= 0) & (pixels < (camera.width_px, camera.height_px))).all(axis=1))
    column, row = pixels[inside].astype(np.int64).T
    return inside, row, column, depth[inside]


def _backdrop(pixels: UInt8[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    levels = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.float32)
    side = (_PLAIN_PX, _PLAIN_PX)
    variance = cv2.blur(levels**2, side) - cv2.blur(levels, side) ** 2
    plain = (variance < _PLAIN_LEVELS**2) & ~known
    _, area = cv2.connectedComponents(plain.astype(np.uint8), connectivity=4)
    border = np.concatenate([area[0], area[-1], area[:, 0], area[:, -1]])
    return np.asarray(np.isin(area, np.unique(border[border > 0])))
