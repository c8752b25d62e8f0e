"""Edges in pictures: perceptual colours, reduced copies, and soft mask edges that follow the picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage

_CORE_BLUR_PX = 2.0
"""Colours on either side of an edge are averaged over about this far."""
_INDISTINCT_LAB = 4.0
"""Two sides closer than this in Lab say little about where between them a pixel lies."""


def lab_from_srgb(pixels: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """CIE L*a*b* (D65; L 0..100) of sRGB bytes: equal steps look about equally large."""
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB))


def reduced_size(height: int, width: int, side_px: int) -> tuple[int, int]:
    """Height and width with the same proportions and the longer side at most `side_px`."""
    factor = min(1.0, side_px / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image at (height, width): area average when it shrinks, linear when it grows."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def edge_strength(lab: Float32[np.ndarray, "h w 3"], sigma_px: float = 1.0) -> Float32[np.ndarray, "h w"]:
    """Lab units per pixel at which colour changes: the gradient's norm over the channels, after a Gaussian blur."""
    blurred = cv2.GaussianBlur(lab, (0, 0), sigma_px)
    across = cv2.Sobel(blurred, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(np.sqrt((across**2 + down**2).sum(axis=2)), dtype=np.float32)


def soft_edges(
    lab: Float32[np.ndarray, "h w 3"],
    solid: Bool[np.ndarray, "h w"],
    band_px: float,
    background: Float32[np.ndarray, "h w 3"] | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Alpha 0..1 that equals the solid mask away from its edge and follows the colours within `band_px` of it.

    Each pixel of the band is placed on the line between the nearby foreground and background colours (known-colour
    matting; Smith and Blinn 1996); where the two hardly differ, the solid mask is only smoothed. `background` is the
    known colour behind the object, else it is estimated nearby. Cost: linear in pixels.
    """
    if solid.all() or not solid.any():
        return solid.astype(np.float32)
    inside_px, outside_px = distance_px(solid), distance_px(~solid)
    band = (inside_px <= band_px) & (outside_px <= band_px)
    front = _nearby_color(lab, _core(solid, inside_px, band_px))
    back = _nearby_color(lab, _core(~solid, outside_px, band_px)) if background is None else background
    line = front - back
    length2 = np.einsum("hwc,hwc->hw", line, line)
    along = np.einsum("hwc,hwc->hw", lab - back, line) / np.maximum(length2, 1e-6)
    smooth = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.8)
    trust = length2 / (length2 + _INDISTINCT_LAB**2)
    mixed = trust * np.clip(along, 0.0, 1.0) + (1 - trust) * smooth
    return np.where(band, mixed, solid).astype(np.float32)


def distance_px(region: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """How far each pixel of the region is from outside it, in pixels; 0 outside. The frame is no outside."""
    if region.all():
        return np.full(region.shape, np.inf, dtype=np.float32)
    return np.asarray(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5))


def _core(
    region: Bool[np.ndarray, "h w"], depth_px: Float32[np.ndarray, "h w"], band_px: float
) -> Bool[np.ndarray, "h w"]:
    """Pixels whose colour is surely the region's own: beyond the mixed edge, or the middle line of what is thin."""
    ridge = depth_px >= cv2.dilate(depth_px, np.ones((3, 3), np.uint8))
    return region & ((depth_px > band_px) | ridge)


def _nearby_color(lab: Float32[np.ndarray, "h w 3"], core: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
    """The core's colour averaged near each pixel; far from the core the nearest core pixel's average."""
    weight = cv2.GaussianBlur(core.astype(np.float32), (0, 0), _CORE_BLUR_PX)
    total = cv2.GaussianBlur(lab * core[..., None], (0, 0), _CORE_BLUR_PX)
    known = weight > 1e-3
    average = total / np.maximum(weight, 1e-3)[..., None]
    if known.all():
        return np.asarray(average, dtype=np.float32)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(average[tuple(nearest)], dtype=np.float32)
