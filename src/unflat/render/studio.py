"""The preview's backdrop: a pale room without corners, and the soft shadow where the object stands on its floor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core import Camera
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.render.scene import Scene
from unflat.render.visibility import cosine_directions

TOP, MIDDLE, BOTTOM = (232, 234, 238), (246, 246, 247), (218, 219, 223)
"""sRGB of the backdrop, from the wall over the horizon to the floor in front."""
_HORIZON = 0.55
"""Where the backdrop is brightest, as share of the height from the top."""
_SHADOW = 0.72
"""Light that the shadow takes away right under the object."""
_GRID = 96
_RAYS = 48
"""Floor points along each side, and rays upwards from each."""
_REACH = 0.35
"""Things higher above the floor than this share of the object's diagonal cast no shadow on it."""
_COARSE = 4
"""The shadow is soft: it is looked up for every fourth pixel each way."""
_SURROUND = 0.30
"""The floor's shadow extends this share of the object's diagonal beyond its box."""


@dataclass(frozen=True, eq=False)
class FloorShadow:
    """How dark the floor is around an object, seen from above: a map over a square of the floor."""

    darkness: Float32[np.ndarray, "g g"]
    """0 open, 1 covered; rows go along +z, columns along +x."""
    corner: tuple[float, float]
    """x and z of the map's first corner in metres."""
    side: float
    height: float
    """y of the floor."""


def floor_shadow(scene: Scene) -> FloorShadow:
    """The contact shadow on the floor under the scene's lowest point, from all sides alike. About 0.1 s."""
    points = scene.triangles.reshape(-1, 3)
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    side = max(high[0] - low[0], high[2] - low[2]) + 2 * _SURROUND * scene.size
    corner = (low + high) / 2 - side / 2
    steps = (np.arange(_GRID) + 0.5) / _GRID * side
    x, z = np.meshgrid(corner[0] + steps, corner[2] + steps)
    floor = np.column_stack([x.ravel(), np.full(x.size, low[1] - 1e-3 * scene.size), z.ravel()])
    local = cosine_directions(_RAYS)
    upwards = np.column_stack([local[:, 0], local[:, 2], local[:, 1]])
    distance = scene.caster.cast(
        np.repeat(floor, _RAYS, axis=0).astype(np.float32), np.tile(upwards, (len(floor), 1))
    ).distance
    near = np.nan_to_num(np.clip(1 - distance / (_REACH * scene.size), 0, 1))
    darkness = near.reshape(_GRID, _GRID, _RAYS).mean(axis=2).astype(np.float32)
    return FloorShadow(cv2.GaussianBlur(darkness, (0, 0), 1.0), (corner[0], corner[2]), side, float(low[1]))


def backdrop(camera: Camera, shadow: FloorShadow | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """The studio without the object, as the camera sees it; with the object's shadow where it is given."""
    height, width = camera.height_px, camera.width_px
    stops = linear_from_srgb(np.array([TOP, MIDDLE, BOTTOM], np.uint8))
    rows = (np.arange(height) + 0.5) / height
    wall = np.column_stack([np.interp(rows, [0, _HORIZON, 1], stops[:, channel]) for channel in range(3)])
    picture = np.repeat(wall[:, None, :], width, axis=1).astype(np.float32)
    if shadow is not None:
        small = camera.resized(-(-width // _COARSE), -(-height // _COARSE))
        darkness = cv2.resize(_floor_darkness(small, shadow), (width, height), interpolation=cv2.INTER_LINEAR)
        picture *= 1 - _SHADOW * darkness[..., None]
    return _dithered(picture)


def _floor_darkness(camera: Camera, shadow: FloorShadow) -> Float32[np.ndarray, "h w"]:
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (shadow.height - origins[:, 1]) / directions[:, 1]
        x, z = (origins[:, axis] + depth * directions[:, axis] for axis in (0, 2))
    inside = np.isfinite(depth) & (depth > 0) & (directions[:, 1] < 0)
    cell = shadow.side / len(shadow.darkness)
    shape = (camera.height_px, camera.width_px)
    column, row = (
        np.where(inside, (along - start) / cell - 0.5, -10.0).clip(-10, 1e4).reshape(shape).astype(np.float32)
        for along, start in ((x, shadow.corner[0]), (z, shadow.corner[1]))
    )
    return np.asarray(
        cv2.remap(shadow.darkness, column, row, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    ).clip(0, 1)


def _dithered(linear: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """sRGB bytes; ordered noise of half a step hides the bands that a smooth gradient would show."""
    height, width = linear.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    # interleaved gradient noise (Jimenez 2014)
    noise = np.modf(52.9829189 * np.modf(0.06711056 * columns + 0.00583715 * rows)[0])[0] - 0.5
    step = np.maximum(linear, 0.05) ** (1 - 1 / 2.4) * (2.4 / 255)
    return srgb_from_linear((linear + noise[..., None] * step).astype(np.float32))
