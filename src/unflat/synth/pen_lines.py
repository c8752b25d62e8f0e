"""The lines that a draughtsman would draw of a view, as a hand draws them: wobbly, of uneven width, broken, doubled."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32

from unflat.synth.patterns import clouds

_DEPTH_STEP = 0.05
"""A jump in depth, in half squares, that a hand draws as an edge."""
_CREASE_COSINE = 0.78
"""Surfaces that meet at more than about 40 degrees are drawn with a line between them."""


def outline_pixels(inside: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels of the object that touch what is not the object."""
    eroded = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(inside & (eroded == 0))


def inner_pixels(
    inside: Bool[np.ndarray, "h w"],
    depth: Float32[np.ndarray, "h w"],
    normals: Float32[np.ndarray, "h w 3"],
    pieces: Int32[np.ndarray, "h w"] | None = None,
) -> Bool[np.ndarray, "h w"]:
    """Pixels where the depth jumps, the surface creases, or one piece ends. Values outside the object do not matter."""
    depth, normals = np.nan_to_num(depth), np.nan_to_num(normals)
    found = np.zeros(inside.shape, bool)
    for axis in (0, 1):
        ahead, behind = (_shifted(array, axis) for array in (depth, inside))
        before, also = np.roll(depth, 1, axis), np.roll(inside, 1, axis)
        both = inside & behind
        bend = np.abs(ahead + before - 2 * depth) > _DEPTH_STEP
        crease = np.einsum("hwi,hwi->hw", normals, _shifted(normals, axis)) < _CREASE_COSINE
        found |= (both & also & bend) | (both & crease)
        if pieces is not None:
            found |= both & (pieces != _shifted(pieces, axis))
    return found


def strokes(
    pixels: Bool[np.ndarray, "h w"], width_px: float, rng: np.random.Generator, *, wobble_px: float, broken: float
) -> Float32[np.ndarray, "h w"]:
    """How much ink lies where (0..1) if lines along these pixels are drawn by hand.

    `wobble_px` is how far the hand strays; `broken` the share of the lines that is left out.
    """
    side = max(pixels.shape)
    if not pixels.any():
        return np.zeros(pixels.shape, np.float32)
    away = cv2.distanceTransform((~pixels).astype(np.uint8), cv2.DIST_L2, 5)
    away = cv2.GaussianBlur(away, (0, 0), 0.6)  # evens out the staircase of pixels
    away = strayed(away, rng, wobble_px, max(3, side // 24))
    pressure = np.float32(0.65) + np.float32(0.7) * _clouds(rng, pixels.shape, 7)
    ink = np.clip(np.float32(width_px / 2) * pressure - away + np.float32(0.8), 0, 1)
    if broken > 0:
        gaps = _clouds(rng, pixels.shape, 9)
        ink = ink * np.clip((gaps - np.float32(np.quantile(gaps[::4, ::4], broken))) * 12, 0, 1)
    return np.asarray(ink, np.float32)


def strayed(
    picture: Float32[np.ndarray, "h w"], rng: np.random.Generator, by_px: float, coarse: int = 4
) -> Float32[np.ndarray, "h w"]:
    """The picture, its pixels moved by smooth noise of about that many pixels."""
    height, width = picture.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    spread = np.float32(4 * by_px)
    x += (_clouds(rng, picture.shape, coarse) - np.float32(0.5)) * spread
    y += (_clouds(rng, picture.shape, coarse) - np.float32(0.5)) * spread
    moved = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _clouds(rng: np.random.Generator, shape: tuple[int, ...], coarse: int) -> Float32[np.ndarray, "h w"]:
    return clouds(rng, max(shape), coarse, 2)[: shape[0], : shape[1]]


def _shifted(array: np.ndarray, axis: int) -> np.ndarray:
    """The neighbour ahead along an axis; at the border the pixel itself."""
    ahead = np.roll(array, -1, axis)
    last = [slice(None)] * array.ndim
    last[axis] = slice(-1, None)
    ahead[tuple(last)] = array[tuple(last)]
    return ahead
