"""Photographs of a printed sheet that lies on the ground, through known cameras: truth for all that measures prints."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from unflat.core import Camera
from unflat.core.color import srgb_from_linear
from unflat.geometry.cameras import look_at, pixel_centers, unproject
from unflat.geometry.marker_sheet import PrintedSheet

_DOTS_PER_MM = 8
_FINER = 3
"""Samples of a pixel along each side."""
_INK, _PAPER, _GROUND = 0.04, 0.84, 0.35
"""Linear light."""


def sheet_photo(
    sheet: PrintedSheet, camera: Camera, unit_m: float, rng: np.random.Generator, *, blur_px: float = 0.7
) -> UInt8[np.ndarray, "h w 3"]:
    """The sheet at y = 0, centred on the origin, top towards -Z, as the camera sees it; one unit is `unit_m` metres.

    A little noise; blur of this standard deviation in linear light.
    """
    pixels = pixel_centers(camera)
    rays = unproject(camera, pixels, np.ones(len(pixels))) - camera.center
    hit = camera.center - rays * (camera.center[1] / rays[:, 1:2])
    on_sheet_mm = hit[:, [0, 2]] * unit_m * 1000 + [sheet.width_mm / 2, sheet.height_mm / 2]
    dots = (on_sheet_mm * _DOTS_PER_MM - 0.5).reshape(camera.height_px, camera.width_px, 2).astype(np.float32)
    places = [(np.arange(size * _FINER, dtype=np.float32) + 0.5) / _FINER - 0.5 for size in dots.shape[1::-1]]
    columns, rows = np.meshgrid(*places)
    fine = cv2.remap(dots, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = cv2.remap(_printed(sheet), fine[..., 0], fine[..., 1], cv2.INTER_LINEAR, borderValue=_GROUND)
    light = cv2.GaussianBlur(light, (0, 0), blur_px * _FINER)
    light = cv2.resize(light, (camera.width_px, camera.height_px), interpolation=cv2.INTER_AREA)
    grey = srgb_from_linear((light + rng.normal(0, 0.004, light.shape)).astype(np.float32))
    return np.repeat(grey[..., None], 3, axis=2)


def ring_of_cameras(
    count: int, distance: float, size_px: tuple[int, int], distortion: tuple[float, float, float, float, float]
) -> tuple[Camera, ...]:
    """Cameras on a ring round the origin, at 30 to 50 degrees above the ground, that look at the origin."""
    width, height = size_px
    cameras = []
    for index in range(count):
        turn, up = 2 * np.pi * index / count, np.radians(40 + 10 * np.sin(2.4 * index))
        eye: Float64[np.ndarray, "3"] = distance * np.array(
            [np.cos(turn) * np.cos(up), np.sin(up), np.sin(turn) * np.cos(up)]
        )
        pose = look_at(eye, np.zeros(3), np.array([0.0, 1.0, 0.0]))
        focal = 1.1 * width
        cameras.append(Camera(width, height, focal, focal, width / 2 + 3, height / 2 - 2, pose, distortion=distortion))
    return tuple(cameras)


def _printed(sheet: PrintedSheet) -> Float32[np.ndarray, "h w"]:
    size = round(sheet.height_mm * _DOTS_PER_MM), round(sheet.width_mm * _DOTS_PER_MM)
    light = np.full(size, _PAPER, np.float32)
    for left, top, wide, high in sheet.bars * _DOTS_PER_MM:
        light[round(top) : round(top + high), round(left) : round(left + wide)] = _INK
    return light
