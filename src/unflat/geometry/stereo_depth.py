"""Depth of one picture from its partners: PatchMatch from coarse to fine, then again in agreement with their depths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from unflat.core import Camera
from unflat.core.arrays import freeze_fields
from unflat.geometry.patch_costs import WORST, corner_bytes, padded
from unflat.geometry.patch_match import ENDLESS, MARGIN, normals_of_planes, sweep

_FIRST_CHANGE, _CALMER, _LAST_CHANGE = 0.1, 0.6, 0.002
"""Random changes of a plane: relative to its inverse depth at first, falling with each iteration, and at least."""
_FAR_ITERATIONS, _SEARCH_ITERATIONS = 4, 3
"""So long planes come from far away, and are drawn anew: at the coarsest scale."""
_CHOOSING_ITERATIONS = 6
"""So long all sources are asked who sees a pixel: at all scales but the last, where it would cost most."""


@dataclass(frozen=True, eq=False)
class StereoPicture:
    """A grey, undistorted picture and its pinhole camera."""

    grey: Float32[np.ndarray, "h w"]
    """0..1."""
    camera: Camera

    def __post_init__(self) -> None:
        freeze_fields(self, "grey")

    def at_scale(self, scale: float) -> StereoPicture:
        """The picture made smaller."""
        if scale >= 1:
            return self
        height, width = self.grey.shape
        size = (max(round(width * scale), 8), max(round(height * scale), 8))
        return StereoPicture(cv2.resize(self.grey, size, interpolation=cv2.INTER_AREA), self.camera.resized(*size))


@dataclass(frozen=True, eq=False)
class Planes:
    """What PatchMatch found: a plane for every pixel."""

    planes: Float32[np.ndarray, "h w 3"]
    """Inverse depth, and how it changes to the right and below, per pixel."""
    cost: Float32[np.ndarray, "h w"]
    """0..2; 2 where nothing is known."""
    seen: UInt8[np.ndarray, "h w"]
    """A bit for each source that sees the pixel."""

    @property
    def inverse_depth(self) -> Float32[np.ndarray, "h w"]:
        """0 where unknown."""
        return np.where(self.cost < WORST, self.planes[..., 0], np.float32(0))


@dataclass(frozen=True)
class Effort:
    """How hard is searched."""

    scales: tuple[float, ...] = (0.25, 0.5, 1.0)
    sweeps: tuple[int, ...] = (4, 2, 1)
    """At each scale; one sweep is both colours of the checkerboard."""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class StereoTask:
    """A picture, at most eight sources to compare it with, and the inverse depths between which to look."""

    picture: StereoPicture
    sources: tuple[StereoPicture, ...]
    bounds: tuple[float, float]

    def at_scale(self, scale: float) -> StereoTask:
        """The same with smaller pictures."""
        sources = tuple(source.at_scale(scale) for source in self.sources)
        return StereoTask(self.picture.at_scale(scale), sources, self.bounds)


def photometric_planes(task: StereoTask, start: Float32[np.ndarray, "_ _"], effort: Effort = Effort()) -> Planes:
    """Planes under which the patches of the picture look alike in its sources.

    `start`: inverse depth to begin with at any resolution, 0 where there is none.
    """
    found = _first_planes(task.at_scale(effort.scales[0]), start, effort.seed)
    iteration = 0
    for scale, sweeps in zip(effort.scales, effort.sweeps, strict=True):
        here = task.at_scale(scale)
        found = _enlarged(found, here.picture.grey.shape)
        found = _swept(here, found, range(iteration, iteration + sweeps), effort.seed)
        iteration += sweeps
    return found


def agreeing_planes(
    task: StereoTask, before: Planes, depths: Sequence[Float32[np.ndarray, "_ _"]], effort: Effort = Effort()
) -> Planes:
    """The planes after one more sweep that also asks for agreement with the sources' own inverse depths."""
    last = sum(effort.sweeps)
    return _swept(task, before, range(last, last + 1), effort.seed, tuple(depths))


def plane_normals(picture: StereoPicture, planes: Planes) -> Float32[np.ndarray, "h w 3"]:
    """Unit normals in the world, towards the camera."""
    local = normals_of_planes(planes.planes, _rays(picture.camera))
    return np.asarray(local @ picture.camera.world_from_camera[:3, :3].T.astype(np.float32))


def _swept(
    task: StereoTask, before: Planes, iterations: range, seed: int,
    depths: tuple[Float32[np.ndarray, "_ _"], ...] = (),
) -> Planes:  # fmt: skip
    """The planes after so many iterations, each over both colours of the checkerboard."""
    picture, sources = task.picture, task.sources
    stack, sizes = _stacked([source.grey for source in sources])
    forward = [_warp(picture.camera, source.camera) for source in sources]
    backward = [_warp(source.camera, picture.camera) for source in sources]
    warps, shifts = (np.stack(part) for part in zip(*forward, strict=True))
    backs, back_shifts = (np.stack(part) for part in zip(*backward, strict=True))
    maps = _stacked(list(depths))[0] if depths else np.zeros((1, 1, 1), np.float32)
    others = (corner_bytes(stack), sizes, warps, shifts, maps, backs, back_shifts)
    image = padded(picture.grey)
    planes, seen = np.array(before.planes), np.array(before.seen)
    costs = np.pad(before.cost, MARGIN, constant_values=ENDLESS)
    for iteration in iterations:
        change = max(_FIRST_CHANGE * _CALMER**iteration, _LAST_CHANGE)
        goes_far, searches = iteration < _FAR_ITERATIONS, iteration < _SEARCH_ITERATIONS
        faithful = iteration >= _CHOOSING_ITERATIONS
        options = np.array([iteration, seed, *task.bounds, change, goes_far, searches, bool(depths), faithful])
        for colour in (0, 1):
            sweep(image, others, planes, costs, seen, colour, options, _rays(picture.camera))
    return Planes(planes, costs[MARGIN:-MARGIN, MARGIN:-MARGIN].copy(), seen)


def _stacked(
    pictures: list[Float32[np.ndarray, "_ _"]],
) -> tuple[Float32[np.ndarray, "s h w"], np.ndarray]:
    """Pictures of different sizes as one array, and their heights and widths."""
    sizes = np.array([picture.shape for picture in pictures], np.int32)
    stack = np.zeros((len(pictures), *sizes.max(axis=0)), np.float32)
    for layer, picture in zip(stack, pictures, strict=True):
        layer[: picture.shape[0], : picture.shape[1]] = picture
    return stack, sizes


def _matrix(camera: Camera) -> Float64[np.ndarray, "3 3"]:
    """Intrinsics for whole-number pixel places: the centre of the first pixel is (0, 0)."""
    return np.array([[camera.fx, 0, camera.cx - 0.5], [0, camera.fy, camera.cy - 0.5], [0, 0, 1.0]])


def _rays(camera: Camera) -> Float32[np.ndarray, "4"]:
    return np.array([camera.fx, camera.fy, camera.cx - 0.5, camera.cy - 0.5], np.float32)


def _warp(here: Camera, there: Camera) -> tuple[Float32[np.ndarray, "3 3"], Float32[np.ndarray, "3"]]:
    """Pixels of one camera in the other: ``there ~ warp @ (x, y, 1) + inverse_depth * shift``."""
    relative = there.camera_from_world @ here.world_from_camera
    warp = _matrix(there) @ relative[:3, :3] @ np.linalg.inv(_matrix(here))
    return warp.astype(np.float32), (_matrix(there) @ relative[:3, 3]).astype(np.float32)


def _first_planes(task: StereoTask, start: Float32[np.ndarray, "_ _"], seed: int) -> Planes:
    """Half the pixels begin at the nearest known point, half anywhere; all tilted at random."""
    picture, bounds = task.picture, task.bounds
    height, width = picture.grey.shape
    rng = np.random.default_rng(seed)
    inverse = rng.uniform(*bounds, (height, width)).astype(np.float32)
    known = cv2.resize(start, (width, height), interpolation=cv2.INTER_NEAREST)
    use = (known > bounds[0]) & (known < bounds[1]) & (rng.random((height, width)) < 0.5)
    inverse[use] = known[use]
    tilt = rng.uniform(-1.2, 1.2, (height, width, 2)).astype(np.float32)
    slopes = -tilt * inverse[..., None] / np.array([picture.camera.fx, picture.camera.fy], np.float32)
    unknown = np.full((height, width), WORST, np.float32)
    return Planes(np.dstack([inverse, slopes]).astype(np.float32), unknown, np.zeros((height, width), np.uint8))


def _enlarged(found: Planes, shape: tuple[int, ...]) -> Planes:
    """The planes of a coarser picture, each pixel on that of the coarse pixel it lies in."""
    height, width = shape
    planes = found.planes
    if planes.shape[:2] == (height, width):
        return found
    rows, columns = planes.shape[0] / height, planes.shape[1] / width
    down, across = (np.arange(height) + 0.5) * rows - 0.5, (np.arange(width) + 0.5) * columns - 0.5
    row = np.clip(np.rint(down), 0, planes.shape[0] - 1).astype(int)
    column = np.clip(np.rint(across), 0, planes.shape[1] - 1).astype(int)
    larger = planes[np.ix_(row, column)].copy()
    larger[..., 0] += larger[..., 1] * (across - column)[None, :] + larger[..., 2] * (down - row)[:, None]
    larger[..., 1] *= columns
    larger[..., 2] *= rows
    where = np.ix_(row, column)
    return Planes(larger.astype(np.float32), found.cost[where].copy(), found.seen[where].copy())
