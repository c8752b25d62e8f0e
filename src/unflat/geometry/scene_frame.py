"""Which way is up in a set of photos whose world has no frame of its own: the ground, or how cameras are held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core import Camera

_TRIES = 20_000
"""Triples of points that are tried: where six in a hundred points are ground, four of them lie on it."""
_GROUND_TILT_DEG = 50.0
"""A ground plane's normal is at most this far from how the cameras are held, on the mean."""
_LEAST_ALIKE, _SURELY_ALIKE = 0.2, 0.65
"""Length of the mean of the cameras' own up directions: below the first it says nothing, below the second a ground
may also lie square to where the cameras look, as from above with the camera turned this way and that."""
_GROUND_SHARE = 0.06
"""Points that must lie on the plane for it to be the ground."""
_THICKNESS = 0.006
"""Half thickness of the ground's layer as a share of the scene's size."""
_STANDS_OUT = 2.5
"""The ground's layer holds so many times the points of the layer above it: the underside of a round thing does not."""
_BELOW_SHARE = 0.03
"""Points that may lie below the ground: reflections and mistakes."""
_BELOW_WEIGHT = 2.0
"""A point below speaks against a plane so much more than one on it speaks for it: of a small ground half would do."""


@dataclass(frozen=True, eq=False)
class SceneFrame:
    """An upright frame at the place that the cameras look at."""

    similarity: Float64[np.ndarray, "4 4"]
    """From the old world to the new: the looked-at point at the origin, +Y up, cameras about 1 away... times scale."""
    ground: float | None
    """Height of the ground in the new world, None where none was found."""


def upright_frame(
    cameras: tuple[Camera, ...], points: Float32[np.ndarray, "n 3"], *, keep_scale: bool, seed: int
) -> SceneFrame:
    """The frame of a set of photos: by the ground where there is one, else by how the cameras are held.

    Unless `keep_scale`, the median distance between cameras and what they look at becomes 1.
    """
    held = _held(cameras)
    held = _unit(held) if np.linalg.norm(held) > _LEAST_ALIKE else _ring_axis(cameras)
    middle = looked_at(cameras, points)
    distance = float(np.median([np.linalg.norm(camera.center - middle) for camera in cameras]))
    plane = ground_below(points.astype(np.float64), cameras, held, distance, seed)
    up = held if plane is None else plane[0]
    front = cameras[0].center - middle
    front = front - up * (front @ up)
    front = _unit(front) if np.linalg.norm(front) > 1e-6 * distance else _any_across(up)
    rotation = np.stack([np.cross(up, front), up, front])
    scale = 1.0 if keep_scale else 1 / max(distance, 1e-9)
    similarity = np.eye(4)
    similarity[:3, :3] = scale * rotation
    similarity[:3, 3] = -scale * rotation @ middle
    height = None if plane is None else scale * (plane[1] - up @ middle)
    return SceneFrame(similarity, None if height is None else float(height))


def looked_at(cameras: tuple[Camera, ...], points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "3"]:
    """The point nearest to all optical axes, if it lies in front of the cameras; else the points' median."""
    total, moments = np.zeros((3, 3)), np.zeros(3)
    for camera in cameras:
        across = np.eye(3) - np.outer(camera.forward, camera.forward)
        total += across
        moments += across @ camera.center
    median = np.median(points, axis=0).astype(np.float64)
    if np.linalg.cond(total) > 1e4:
        return median
    middle = np.linalg.solve(total, moments)
    ahead = np.array([(middle - camera.center) @ camera.forward for camera in cameras])
    return middle if (ahead > 0).mean() > 0.8 else median


def ground_below(
    points: Float64[np.ndarray, "n 3"], cameras: tuple[Camera, ...], up: Float64[np.ndarray, "3"],
    distance: float, seed: int,
) -> tuple[Float64[np.ndarray, "3"], float] | None:  # fmt: skip
    """`ground_plane` about square to `up`; where there is none and the cameras were turned this way and that, about
    square to where they look."""
    plane = ground_plane(points, up, distance, seed)
    forward = np.mean([camera.forward for camera in cameras], axis=0)
    if plane is None and np.linalg.norm(_held(cameras)) < _SURELY_ALIKE < np.linalg.norm(forward):
        plane = ground_plane(points, -_unit(forward), distance, seed)
    return plane


def ground_plane(
    points: Float64[np.ndarray, "n 3"], held: Float64[np.ndarray, "3"], distance: float, seed: int
) -> tuple[Float64[np.ndarray, "3"], float] | None:
    """Unit normal (up) and offset of the plane that many points lie on and next to none below; None without one.

    RANSAC over triples of points, then least squares. `distance`: size of the scene.
    """
    if len(points) < 30:
        return None
    rng = np.random.default_rng(seed)
    some = points if len(points) <= 4000 else points[rng.choice(len(points), 4000, replace=False)]
    layer = 2 * _THICKNESS * distance
    best = _best_ground(some, some[rng.integers(len(some), size=(_TRIES, 3))], held, layer)
    if best is None:
        return None
    normal, offset = best
    for _ in range(3):
        on_plane = points[np.abs(points @ normal - offset) < layer]
        centre = on_plane.mean(axis=0)
        normal = np.linalg.svd(on_plane - centre, full_matrices=False)[2][2]
        normal = normal * (1 if normal @ held > 0 else -1)
        offset = float(centre @ normal)
    return normal, offset


def _best_ground(
    points: Float64[np.ndarray, "n 3"], triples: Float64[np.ndarray, "t 3 3"], held: Float64[np.ndarray, "3"],
    layer: float,
) -> tuple[Float64[np.ndarray, "3"], float] | None:  # fmt: skip
    """Of the planes through three points each, the one that most points lie on and that can be a ground."""
    first, second, third = triples.swapaxes(0, 1)
    normals = np.cross(second - first, third - first)
    lengths = np.linalg.norm(normals, axis=1)
    normals = normals / np.maximum(lengths, 1e-12)[:, None]
    normals = normals * np.where(normals @ held > 0, 1.0, -1.0)[:, None]
    possible = (lengths > 1e-12) & (normals @ held >= np.cos(np.radians(_GROUND_TILT_DEG)))
    best, most = None, 0.0
    for normal, offset in zip(normals[possible], (normals * first).sum(axis=1)[possible], strict=True):
        heights = points @ normal - offset
        on, below = (np.abs(heights) < layer).mean(), (heights < -2 * layer).mean()
        above = ((heights >= layer) & (heights < 3 * layer)).mean()
        is_ground = on >= _GROUND_SHARE and below <= _BELOW_SHARE and on >= _STANDS_OUT * above
        if is_ground and on - _BELOW_WEIGHT * below > most:
            best, most = (normal, float(offset)), float(on - _BELOW_WEIGHT * below)
    return best


def _held(cameras: tuple[Camera, ...]) -> Float64[np.ndarray, "3"]:
    """Mean of the cameras' own up directions, at most 1 long."""
    return np.asarray(np.mean([-camera.world_from_camera[:3, 1] for camera in cameras], axis=0))


def _ring_axis(cameras: tuple[Camera, ...]) -> Float64[np.ndarray, "3"]:
    """Cameras all around, held every way: the axis of the ring they stand on."""
    centers = np.stack([camera.center for camera in cameras])
    axis = np.linalg.svd(centers - centers.mean(axis=0))[2][2]
    ups = np.array([-camera.world_from_camera[:3, 1] for camera in cameras])
    return np.asarray(axis * (1 if (ups @ axis).sum() >= 0 else -1))


def _unit(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return np.asarray(vector / np.linalg.norm(vector))


def _any_across(up: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return _unit(np.cross(up, np.eye(3)[int(np.abs(up).argmin())]))
