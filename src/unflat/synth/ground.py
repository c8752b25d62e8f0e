"""The ground that objects stand on: where a camera looks at the plane y = 0, and the picture of a surface on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from unflat.core import Camera
from unflat.geometry.cameras import pixel_centers, pixel_rays

_FADE_FROM, _FADE_TO = 0.7, 1.0
"""An unlimited surface dissolves into the backdrop between these shares of its half size."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The picture of a surface on the plane y = 0."""

    picture: Float32[np.ndarray, "h w 3"]
    """Linear colours; repeats."""
    tile: float
    """World length that it covers."""
    turn_rad: float
    half_size: tuple[float, float]
    """Half its extent along its own axes."""
    ends_sharply: bool
    """True for a table, False for a floor that dissolves into the backdrop."""


def ground_points(camera: Camera) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, "p"]]:
    """Where on the ground (x, z) the pixels look, and which pixels do."""
    origin, direction = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    downward = direction[:, 1] < -1e-4
    hit = downward & (origin[:, 1] > 0)
    along = -origin[hit, 1] / direction[hit, 1]
    return (origin[hit] + along[:, None] * direction[hit])[:, [0, 2]], hit


def surface_color(
    ground: Ground, points: Float32[np.ndarray, "n 2"], camera: Camera
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 1"]]:
    """Colour of the surface at points of the ground, smoothed where it lies far away, and how much of it there is."""
    cosine, sine = np.cos(ground.turn_rad), np.sin(ground.turn_rad)
    own = points @ np.array([[cosine, sine], [-sine, cosine]], np.float32)
    texel = own / np.float32(ground.tile)
    size = ground.picture.shape[0]
    place = (texel - np.floor(texel)) * np.float32(size) - np.float32(0.5)
    away = np.linalg.norm(points - camera.center[[0, 2]].astype(np.float32), axis=1)
    footprint = size / ground.tile * np.hypot(away, camera.center[1]) / camera.fx
    sharp = _remapped(ground.picture, place)
    blunt = _remapped(cv2.GaussianBlur(ground.picture, (0, 0), size / 40), place)
    far = np.clip(np.log2(np.maximum(footprint, 1)) / 4, 0, 1)[:, None].astype(np.float32)
    share = np.abs(own) / np.array(ground.half_size, np.float32)
    rim = share.max(axis=1) if ground.ends_sharply else np.linalg.norm(share, axis=1)
    start, end = (0.999, 1.0) if ground.ends_sharply else (_FADE_FROM, _FADE_TO)
    there = np.clip((end - rim) / (end - start), 0, 1)[:, None].astype(np.float32)
    return sharp * (1 - far) + blunt * far, there


def _remapped(picture: Float32[np.ndarray, "h w 3"], place: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 3"]:
    """Bilinear colours at pixel places; cv2 takes them as a picture."""
    columns = 512
    rows = -(-len(place) // columns)
    grid = np.zeros((rows * columns, 2), np.float32)
    grid[: len(place)] = place
    x, y = np.moveaxis(grid.reshape(rows, columns, 2), 2, 0)
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found.reshape(-1, 3)[: len(place)])
