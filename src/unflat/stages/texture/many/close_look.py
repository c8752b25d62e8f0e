"""A photo looked at closely: its colours and how sharp it is, at all sizes, decoded only where it is needed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from unflat.core import View
from unflat.core.color import luminance
from unflat.stages.texture.pictures import MARGIN_PX, Picture, picture_of, pyramid

_DARK = 0.05
"""Linear light: steps of brightness count as shares of it, but not below this, where they are noise."""
_AROUND_PX = 17
"""Side of the square over which sharpness is measured: blur spreads a line's gradient to places beside it, where the
sharp photo has none, but lowers the square's root mean square."""
_PLAIN = 0.02
"""Sharpness of what has no detail at all, as grain and rounding give it: there size alone decides."""


@dataclass(frozen=True, eq=False)
class CloseLook:
    """A picture and the gradients of its brightness."""

    picture: Picture
    gradients: tuple[Float32[np.ndarray, "_h _w"], ...]
    """Share by which brightness changes from pixel to pixel, root mean square over some pixels around; each level half
    as large as the one before."""

    def sharpness(
        self, pixels: Float64[np.ndarray, "n 2"], level: Float32[np.ndarray, "n"]
    ) -> Float32[np.ndarray, "n"]:
        """Mean gradient around pixel positions; `level` is log2 of the pixels per sample."""
        return self.picture.sampled(self.gradients, pixels, level) + np.float32(_PLAIN)


def close_look_of(view: View, edge_px: int, pixels: Float64[np.ndarray, "n 2"]) -> CloseLook:
    """A close look at the part of the view's photo that holds these pixel positions."""
    picture = picture_of(view, edge_px, box_around(pixels))
    brightness = np.log(luminance(picture.levels[0]) + np.float32(_DARK))
    right, down = (cv2.Sobel(brightness, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    around = cv2.blur(right * right + down * down, (_AROUND_PX, _AROUND_PX))
    return CloseLook(picture, pyramid(np.sqrt(np.maximum(around, 0))))


def box_around(pixels: Float64[np.ndarray, "n 2"]) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of some pixel positions, with a margin."""
    low, high = np.floor(pixels.min(axis=0)) - MARGIN_PX, np.ceil(pixels.max(axis=0)) + MARGIN_PX
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
