"""Pictures sampled at points."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32

_GRID_WIDTH = 1024
"""OpenCV samples at a picture of places, at most 32767 a side: points are laid out in rows of this length."""


def bilinear(image: Float32[np.ndarray, "h w *c"], pixels: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n *c"]:
    """Bilinear samples at pixel positions (u, v), centre of the first pixel (0.5, 0.5); the border goes on outside."""
    return _sampled(image, pixels, cv2.INTER_LINEAR)


def bicubic(image: Float32[np.ndarray, "h w *c"], pixels: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n *c"]:
    """As `bilinear`, sharper: bicubic samples (Keys 1981). They may overshoot by some hundredths at sharp edges."""
    return _sampled(image, pixels, cv2.INTER_CUBIC)


def _sampled(
    image: Float32[np.ndarray, "h w *c"], pixels: Float32[np.ndarray, "n 2"], how: int
) -> Float32[np.ndarray, "n *c"]:
    rows = -(-len(pixels) // _GRID_WIDTH)
    if rows == 0:
        return np.zeros((0, *image.shape[2:]), np.float32)
    places = np.zeros((rows * _GRID_WIDTH, 2), np.float32)
    places[: len(pixels)] = pixels - np.float32(0.5)
    grid = places.reshape(rows, _GRID_WIDTH, 2)
    sampled = cv2.remap(image, grid, None, how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled.reshape(-1, *image.shape[2:])[: len(pixels)])
