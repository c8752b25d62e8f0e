"""Cameras that frame an object: from any side, and all around it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core import Camera
from unflat.core.conventions import UP_AXIS
from unflat.geometry.cameras import look_at, project, unproject

_MARGIN = 1.08
"""The frame is this much wider than the object."""
_CENTERING_STEPS = 3
"""Rounds of moving the view's middle to the middle of what is seen: converges to below a pixel."""
_STEEPEST_DEG = 89.9
"""Straight up or down has no upright; this is as close as it gets."""


def orbit_camera(
    points: Float32[np.ndarray, "n 3"],
    azimuth_deg: float = 30.0,
    elevation_deg: float = 20.0,
    *,
    fov_deg: float = 30.0,
    size_px: int | tuple[int, int] = 512,
    margin: float = _MARGIN,
) -> Camera:
    """The camera that sees the points from a side: centred, and as near as they all fit into the picture.

    Azimuth 0 is the front (the camera stands at +Z), 90 the object's +X side; elevation is upwards. `fov_deg` is that
    of the picture's shorter side; `size_px` is a square's side or (width, height).
    """
    target = _box_center(points)
    for _ in range(_CENTERING_STEPS):
        camera = _framing(points, target, (azimuth_deg,), elevation_deg, (fov_deg, size_px, margin))[0]
        pixels, _ = project(camera, points.astype(np.float64))
        middle = (pixels.min(axis=0) + pixels.max(axis=0)) / 2
        distance = float((target - camera.center) @ camera.forward)
        target = unproject(camera, middle[None], np.array([distance]))[0]
    return camera


def orbit_cameras(
    points: Float32[np.ndarray, "n 3"],
    azimuths_deg: tuple[float, ...],
    elevation_deg: float = 20.0,
    *,
    fov_deg: float = 30.0,
    size_px: int | tuple[int, int] = 512,
    margin: float = _MARGIN,
) -> tuple[Camera, ...]:
    """As `orbit_camera`, for several azimuths at one distance about the box's centre: nothing zooms or sways."""
    return _framing(points, _box_center(points), azimuths_deg, elevation_deg, (fov_deg, size_px, margin))


def turntable_cameras(
    points: Float32[np.ndarray, "n 3"], count: int, elevation_deg: float = 15.0, *, size_px: int = 512
) -> tuple[Camera, ...]:
    """`count` cameras evenly around the object, beginning at its front."""
    azimuths = tuple(360.0 * index / count for index in range(count))
    return orbit_cameras(points, azimuths, elevation_deg, size_px=size_px)


def _framing(
    points: Float32[np.ndarray, "n 3"],
    target: Float64[np.ndarray, "3"],
    azimuths_deg: tuple[float, ...],
    elevation_deg: float,
    picture: tuple[float, int | tuple[int, int], float],
) -> tuple[Camera, ...]:
    """Cameras towards the target at the one distance from which the points fit; `picture` is field, size, margin."""
    fov_deg, size_px, margin = picture
    width, height = (size_px, size_px) if isinstance(size_px, int) else size_px
    focal = float(min(width, height) / 2 / np.tan(np.radians(fov_deg) / 2))
    local = points.astype(np.float64) - target
    poses = [look_at(_eye(azimuth, elevation_deg), np.zeros(3), UP_AXIS)[:3, :3] for azimuth in azimuths_deg]
    half = (width / 2 / focal / margin, height / 2 / focal / margin)
    distance = max(_distance(local @ rotation, half) for rotation in poses)
    cameras = []
    for rotation in poses:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, target - distance * rotation[:, 2]
        cameras.append(Camera(width, height, focal, focal, width / 2, height / 2, pose))
    return tuple(cameras)


def _box_center(points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "3"]:
    return np.asarray((points.min(axis=0).astype(np.float64) + points.max(axis=0)) / 2)


def _eye(azimuth_deg: float, elevation_deg: float) -> Float64[np.ndarray, "3"]:
    azimuth, elevation = np.radians([azimuth_deg, np.clip(elevation_deg, -_STEEPEST_DEG, _STEEPEST_DEG)])
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def _distance(local: Float64[np.ndarray, "n 3"], half: tuple[float, float]) -> float:
    """How far the camera must stand for points (in its own axes, about the target) to lie within the frame."""
    needed = np.maximum(np.abs(local[:, 0]) / half[0], np.abs(local[:, 1]) / half[1]) - local[:, 2]
    nearest = -local[:, 2].min()
    return float(max(needed.max(), nearest * 1.05, 1e-6))
