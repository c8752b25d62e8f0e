"""Depth maps of many pictures into one cloud: what several pictures agree on is kept, once, as their mean.

Merrell et al. 2007 and Schoenberger et al. 2016 (section 4.3): a pixel's point is projected into the other pictures,
and counts as seen again where their depth brings it back to nearly the same pixel, at nearly the same depth and normal.
Then all pictures vote on each point: those that see it against those that see through it (Merrell's stability).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8
from numba import njit, prange

from unflat.core import Camera, View

_SLACK_PX = 3.0
"""A depth is no surer than this many pixels are wide there: neighbouring photos see them about four times as long."""
_THROUGH_SHARE = 1 / 3
"""A view that sees through a point counts as much as three that see it: of rags twenty times as many go as of surface,
and neighbouring views err together."""


@dataclass(frozen=True)
class Agreement:
    """When two depth maps say the same."""

    error_px: float = 1.0
    """Distance between a pixel and where it comes back to."""
    depth_share: float = 0.01
    """Difference of depths."""
    normal_deg: float = 30.0
    fewest: int = 2
    """Other pictures that must agree."""


@dataclass(frozen=True, eq=False)
class DepthPicture:
    """A picture's depth in the form that is fused."""

    camera: Camera
    depth: Float32[np.ndarray, "h w"]
    """NaN where unknown."""
    normals: Float32[np.ndarray, "h w 3"]
    """World, towards the camera."""
    partners: tuple[int, ...]
    """Pictures that it is compared with."""


@dataclass(frozen=True, eq=False)
class FusedPoints:
    """Points of the surface, each the mean of what several pictures saw."""

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"]
    colors: UInt8[np.ndarray, "n 3"]
    pictures: Int32[np.ndarray, "n"]
    """How many pictures agreed."""

    def thinned(self, share: float, rng: np.random.Generator) -> FusedPoints:
        """About this share of the points, chosen at random."""
        if share >= 1:
            return self
        kept = rng.random(len(self.points)) < share
        return FusedPoints(self.points[kept], self.normals[kept], self.colors[kept], self.pictures[kept])


def agreeing_counts(
    index: int, pictures: Mapping[int, DepthPicture], rule: Agreement = Agreement()
) -> Int32[np.ndarray, "h w"]:
    """For every pixel of a picture, how many of its partners agree with its depth."""
    here = pictures[index]
    counts = np.zeros(here.depth.shape, np.int32)
    for partner in here.partners:
        if partner in pictures:
            there = pictures[partner]
            _count_agreeing(here.depth, here.normals, _frame(here.camera), there.depth, there.normals,
                            _frame(there.camera), _limits(rule), counts)  # fmt: skip
    return counts


def fused(
    pictures: Mapping[int, DepthPicture],
    colors: Mapping[int, UInt8[np.ndarray, "_ _ 3"]],
    rule: Agreement = Agreement(),
    most: int = 6_000_000,
) -> FusedPoints:
    """One cloud of all pictures; a place is there once for pictures that are partners. Linear in pixels times partners.

    Above `most` points every second one goes, at random, as often as it takes.
    Pictures are asked for one by one and not held, so that a mapping may make them as they are needed.
    """
    used = {index: np.zeros(colors[index].shape[:2], np.bool_) for index in pictures}
    rng = np.random.default_rng(0)
    parts: list[FusedPoints] = []
    share = 1.0
    for index in pictures:
        parts.append(_fused_from(index, pictures, colors, used, rule).thinned(share, rng))
        while sum(len(part.points) for part in parts) > most:
            parts, share = [part.thinned(0.5, rng) for part in parts], share / 2
    return FusedPoints(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.colors for part in parts]),
        np.concatenate([part.pictures for part in parts]),
    )


def outvoted(
    points: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"], views: Iterable[View]
) -> Bool[np.ndarray, "n"]:
    """Points that too many views see through: the surface that they know there lies further away.

    Such are the bridges and skirts that stereo spans from an edge, or in a corner, to what lies behind. Views without
    depth, and places where it is unknown, have no vote. Linear in points times views.
    """
    seen, through = np.zeros(len(points), np.int32), np.zeros(len(points), np.int32)
    for view in views:
        if view.depth is not None and view.camera is not None:
            _vote(points, normals, _frame(view.camera), view.depth.depth, seen, through)
    return np.asarray(through > _THROUGH_SHARE * seen)


def _fused_from(
    index: int,
    pictures: Mapping[int, DepthPicture],
    colors: Mapping[int, UInt8[np.ndarray, "_ _ 3"]],
    used: Mapping[int, Bool[np.ndarray, "_ _"]],
    rule: Agreement,
) -> FusedPoints:
    """The points that begin in this picture; marks what they use up in it and in its partners."""
    here = pictures[index]
    height, width = here.depth.shape
    sums = np.zeros((height, width, 9), np.float32)
    counts = np.zeros((height, width), np.int32)
    partners = [partner for partner in here.partners if partner in pictures]
    _begin(here.depth, here.normals, colors[index], _frame(here.camera), used[index], sums, counts)
    for partner in partners:
        there = pictures[partner]
        _gather(here.depth, here.normals, _frame(here.camera), there.depth, there.normals, colors[partner],
                _frame(there.camera), _limits(rule), used[index], sums, counts)  # fmt: skip
    kept = counts >= min(rule.fewest, len(partners)) + 1
    for partner in partners:
        there = pictures[partner]
        _use_up(here.depth, here.normals, _frame(here.camera), kept, there.depth, there.normals,
                _frame(there.camera), _limits(rule), used[partner])  # fmt: skip
    used[index][kept] = True
    values = sums[kept] / counts[kept][:, None].astype(np.float32)
    normals = values[:, 3:6] / np.maximum(np.linalg.norm(values[:, 3:6], axis=1, keepdims=True), 1e-12)
    return FusedPoints(
        np.ascontiguousarray(values[:, :3]),
        normals.astype(np.float32),
        np.clip(np.rint(values[:, 6:9]), 0, 255).astype(np.uint8),
        counts[kept],
    )


def _frame(camera: Camera) -> Float32[np.ndarray, "5 4"]:
    """A pinhole camera for the kernels: intrinsics (whole-number pixel places), camera_from_world, centre."""
    frame = np.zeros((5, 4), np.float64)
    frame[0] = camera.fx, camera.fy, camera.cx - 0.5, camera.cy - 0.5
    frame[1:4] = camera.camera_from_world[:3]
    frame[4, :3] = camera.center
    return frame.astype(np.float32)


def _limits(rule: Agreement) -> Float32[np.ndarray, "3"]:
    return np.array([rule.error_px, rule.depth_share, math.cos(math.radians(rule.normal_deg))], np.float32)


@njit(inline="always")
@no_type_check
def _point(frame, row, column, depth):
    """World point of a pixel at a depth."""
    x, y = (column - frame[0, 2]) / frame[0, 0] * depth, (row - frame[0, 3]) / frame[0, 1] * depth
    a, b, c = frame[1], frame[2], frame[3]
    px = a[0] * x + b[0] * y + c[0] * depth + frame[4, 0]
    py = a[1] * x + b[1] * y + c[1] * depth + frame[4, 1]
    pz = a[2] * x + b[2] * y + c[2] * depth + frame[4, 2]
    return px, py, pz


@njit(inline="always")
@no_type_check
def _pixel(frame, x, y, z):
    """Row, column and depth of a world point."""
    a, b, c = frame[1], frame[2], frame[3]
    u = a[0] * x + a[1] * y + a[2] * z + a[3]
    v = b[0] * x + b[1] * y + b[2] * z + b[3]
    w = c[0] * x + c[1] * y + c[2] * z + c[3]
    if w <= 1e-9:
        return np.float32(-1), np.float32(-1), np.float32(-1)
    return v / w * frame[0, 1] + frame[0, 3], u / w * frame[0, 0] + frame[0, 2], w


@njit(inline="always")
@no_type_check
def _partner(depth, normals, frame, row, column, other, other_normals, other_frame, limits):
    """The pixel of the other picture that agrees with this one's, or (-1, -1)."""
    here = depth[row, column]
    x, y, z = _point(frame, row, column, here)
    r, c, expected = _pixel(other_frame, x, y, z)
    i, j = int(math.floor(r + 0.5)), int(math.floor(c + 0.5))
    if i < 0 or j < 0 or i >= other.shape[0] or j >= other.shape[1]:
        return -1, -1
    found = other[i, j]
    if not found > 0 or abs(found - expected) > limits[1] * expected:
        return -1, -1
    # the partner's surface at the very place, not at its pixel's centre: steep surfaces would seem to disagree
    bx, by, bz = _point(other_frame, r, c, found)
    back_row, back_column, _ = _pixel(frame, bx, by, bz)
    if (back_row - row) ** 2 + (back_column - column) ** 2 > limits[0] * limits[0]:
        return -1, -1
    cosine = np.float32(0)
    for k in range(3):
        cosine += normals[row, column, k] * other_normals[i, j, k]
    return (i, j) if cosine >= limits[2] else (-1, -1)


@njit(parallel=True, cache=True)
@no_type_check
def _count_agreeing(depth, normals, frame, other, other_normals, other_frame, limits, counts):
    for row in prange(depth.shape[0]):
        for column in range(depth.shape[1]):
            if depth[row, column] > 0:
                i, _ = _partner(depth, normals, frame, row, column, other, other_normals, other_frame, limits)
                if i >= 0:
                    counts[row, column] += 1


@njit(parallel=True, cache=True)
@no_type_check
def _begin(depth, normals, colors, frame, used, sums, counts):
    for row in prange(depth.shape[0]):
        for column in range(depth.shape[1]):
            if depth[row, column] > 0 and not used[row, column]:
                x, y, z = _point(frame, row, column, depth[row, column])
                sums[row, column, 0], sums[row, column, 1], sums[row, column, 2] = x, y, z
                for k in range(3):
                    sums[row, column, 3 + k] = normals[row, column, k]
                    sums[row, column, 6 + k] = colors[row, column, k]
                counts[row, column] = 1


@njit(parallel=True, cache=True)
@no_type_check
def _gather(depth, normals, frame, other, other_normals, colors, other_frame, limits, used, sums, counts):
    for row in prange(depth.shape[0]):
        for column in range(depth.shape[1]):
            if depth[row, column] > 0 and not used[row, column]:
                i, j = _partner(depth, normals, frame, row, column, other, other_normals, other_frame, limits)
                if i >= 0:
                    x, y, z = _point(other_frame, i, j, other[i, j])
                    sums[row, column, 0] += x
                    sums[row, column, 1] += y
                    sums[row, column, 2] += z
                    for k in range(3):
                        sums[row, column, 3 + k] += other_normals[i, j, k]
                        sums[row, column, 6 + k] += colors[i, j, k]
                    counts[row, column] += 1


@njit(parallel=True, cache=True)
@no_type_check
def _use_up(depth, normals, frame, kept, other, other_normals, other_frame, limits, used):
    for row in prange(depth.shape[0]):
        for column in range(depth.shape[1]):
            if kept[row, column]:
                i, j = _partner(depth, normals, frame, row, column, other, other_normals, other_frame, limits)
                if i >= 0:
                    used[i, j] = True  # from several rows perhaps, but always to the same


@njit(parallel=True, cache=True)
@no_type_check
def _vote(points, normals, frame, depth, seen, through):
    for at in prange(len(points)):
        r, c, expected = _pixel(frame, points[at, 0], points[at, 1], points[at, 2])
        i, j = int(math.floor(r + 0.5)), int(math.floor(c + 0.5))
        if i < 0 or j < 0 or i >= depth.shape[0] or j >= depth.shape[1] or not depth[i, j] > 0:
            continue
        slack = np.float32(_SLACK_PX) * expected / frame[0, 0]
        if abs(depth[i, j] - expected) <= slack:
            facing = np.float32(0)
            for k in range(3):
                facing += normals[at, k] * (frame[4, k] - points[at, k])
            seen[at] += facing > 0
        elif depth[i, j] > expected and _nearest(depth, i, j) > expected + slack:
            through[at] += 1


@njit(inline="always")
@no_type_check
def _nearest(depth, i, j):
    """The least of the known depths at a pixel and beside it: outlines are a pixel off."""
    least = depth[i, j]
    for row in range(max(i - 1, 0), min(i + 2, depth.shape[0])):
        for column in range(max(j - 1, 0), min(j + 2, depth.shape[1])):
            least = min(least, depth[row, column])
    return least
