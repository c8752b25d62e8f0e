"""A view's photo made ready to be sampled: linear, without background at its edge, at all sizes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core import View
from unflat.core.color import linear_from_srgb

_PURE_ALPHA = 0.95
"""From here on a pixel shows the object alone."""
_THIN_PX = 4.0
"""Object pixels farther than this from every pixel that edge erosion leaves belong to thin parts, and stay."""
_SMALLEST_LEVEL_PX = 8
_COARSE_SHARE = 0.012
"""Blur of the coarse band, as a share of the picture's longer side."""
_MARGIN_PX = 16
"""Pixels kept around the object: the mesh may reach over the mask a little."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Linear colours to sample at pixel positions of the view's camera."""

    levels: tuple[Float32[np.ndarray, "_h _w 3"], ...]
    """Each half as large as the one before."""
    coarse: Float32[np.ndarray, "_h _w 3"]
    """Strongly blurred, at half the size of the first."""
    inside: Float32[np.ndarray, "h w"]
    """Distance into the object in pixels, negative outside; infinite where no mask says what is background."""
    corner: tuple[int, int]
    """Column and row of the photo where this crop begins."""

    def colors(
        self, pixels: Float64[np.ndarray, "n 2"], level: Float32[np.ndarray, "n"]
    ) -> Float32[np.ndarray, "n 3"]:
        """Bilinear colours; `level` is log2 of the pixels per sample, blended between sizes (trilinear)."""
        level = np.clip(level, 0, len(self.levels) - 1)
        if not level.any():
            return self._sampled(self.levels[0], pixels)
        mixed = np.zeros((len(pixels), 3), np.float32)
        for index, image in enumerate(self.levels):
            share = 1 - np.abs(level - index)
            used = np.flatnonzero(share > 0)
            if len(used):
                mixed[used] += share[used, None] * self._sampled(image, pixels[used])
        return mixed

    def coarse_colors(self, pixels: Float64[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 3"]:
        """Colours of the coarse band."""
        return self._sampled(self.coarse, pixels)

    def depth_inside(self, pixels: Float64[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n"]:
        """Distance from the mask's outline in pixels; positive inside, minus infinity outside the photo."""
        height, width = self.inside.shape
        local = pixels - self.corner
        on_photo = ((local >= 0) & (local < [width, height])).all(axis=1)
        return np.where(on_photo, self._sampled(self.inside, pixels), np.float32(-np.inf))

    def _sampled(self, image: Float32[np.ndarray, "h w *c"], pixels: Float64[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n *c"]:
        shrink = np.array([image.shape[1], image.shape[0]]) / self.inside.shape[::-1]
        place = ((pixels - self.corner) * shrink - 0.5).astype(np.float32)
        # OpenCV's remap wants a picture of places, at most 32767 a side.
        rows = -(-len(place) // _REMAP_WIDTH)
        padded = np.zeros((rows * _REMAP_WIDTH, 2), np.float32)
        padded[: len(place)] = place
        grid = padded.reshape(rows, _REMAP_WIDTH, 2)
        ...
