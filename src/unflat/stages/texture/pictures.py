"""A view's photo made ready to be sampled: linear light, no background at its edge, at all sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core import View
from unflat.core.color import linear_from_srgb
from unflat.geometry.image_sampling import bilinear
from unflat.io.mapped import let_go

_PURE_ALPHA = 0.95
"""From here on a pixel shows the object alone."""
_SMALLEST_LEVEL_PX = 8
_COARSE_SHARE = 0.012
"""Blur of the coarse band, as a share of the picture's longer side."""
MARGIN_PX = 16
"""Pixels kept around the object: a mesh may reach a little over the mask."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Linear colours to sample at pixel positions of the view's camera."""

    levels: tuple[Float32[np.ndarray, "_h _w 3"], ...]
    """Each half as large as the one before."""
    inside: Float32[np.ndarray, "h w"]
    """Distance into the object in pixels, negative outside; large where no mask says what is background."""
    corner: tuple[int, int]
    """Column and row of the photo where this crop begins."""

    @cached_property
    def coarse(self) -> Float32[np.ndarray, "_h _w 3"]:
        """Strongly blurred."""
        linear = self.levels[0]
        return np.asarray(cv2.GaussianBlur(linear, (0, 0), max(_COARSE_SHARE * max(linear.shape), 1.0)))

    def colors(self, pixels: Float64[np.ndarray, "n 2"], level: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n 3"]:
        """Colours at pixel positions; `level` is log2 of the pixels per sample, blended between sizes (trilinear)."""
        return self.sampled(self.levels, pixels, level)

    def coarse_colors(self, pixels: Float64[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 3"]:
        """Colours of the coarse band at pixel positions."""
        return self._at(self.coarse, pixels)

    def depth_inside(self, pixels: Float64[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n"]:
        """Distance from the mask's outline in pixels, positive inside; minus infinity outside the photo."""
        local = pixels - self.corner
        height, width = self.inside.shape
        on_photo = ((local >= 0) & (local < [width, height])).all(axis=1)
        return np.where(on_photo, self._at(self.inside, pixels), np.float32(-np.inf))

    def sampled(
        self,
        levels: tuple[Float32[np.ndarray, "_h _w *c"], ...],
        pixels: Float64[np.ndarray, "n 2"],
        level: Float32[np.ndarray, "n"],
    ) -> Float32[np.ndarray, "n *c"]:
        """Samples of a pyramid that lies over this picture, blended between sizes (trilinear)."""
        level = np.clip(level, 0, len(levels) - 1)
        if not level.any():
            return self._at(levels[0], pixels)
        mixed = np.zeros((len(pixels), *levels[0].shape[2:]), np.float32)
        for index, image in enumerate(levels):
            share = 1 - np.abs(level - np.float32(index))
            used = np.flatnonzero(share > 0)
            if len(used):
                weight = share[used].reshape(-1, *(1,) * (mixed.ndim - 1))
                mixed[used] += weight * self._at(image, pixels[used])
        return mixed

    def _at(
        self, image: Float32[np.ndarray, "_h _w *c"], pixels: Float64[np.ndarray, "n 2"]
    ) -> Float32[np.ndarray, "n *c"]:
        """Bilinear samples. A pixel without a place (NaN) gets the corner's colour."""
        shrink = np.array([image.shape[1], image.shape[0]]) / self.inside.shape[::-1]
        return bilinear(image, np.nan_to_num((pixels - self.corner) * shrink).astype(np.float32))


def picture_of(view: View, edge_px: int, needed: tuple[int, int, int, int] | None = None) -> Picture:
    """The view's photo as a `Picture`. Pixels of the background and `edge_px` at the outline take inner colours.

    `needed` is the box (left, top, right, bottom) outside which nobody will ask; without it, that of the mask, else
    the whole photo. Only that part is decoded.
    """
    box = needed if needed is not None else (0, 0, *view.photo.pixels.shape[1::-1])
    if view.mask is not None and needed is None:
        left, top, right, bottom = view.mask.box
        box = (left - MARGIN_PX, top - MARGIN_PX, right + MARGIN_PX, bottom + MARGIN_PX)
    left, top = max(box[0], 0), max(box[1], 0)
    crop = slice(top, max(box[3], top + 1)), slice(left, max(box[2], left + 1))
    linear = linear_from_srgb(view.photo.pixels[crop])
    let_go(view.photo.pixels)
    inside = np.full(linear.shape[:2], np.float32(max(view.photo.pixels.shape)))
    if view.mask is not None:
        alpha = np.array(view.mask.alpha[crop])
        let_go(view.mask.alpha)
        inside = _signed_distance(alpha)
        pure = _pure(alpha, edge_px)
        if pure.any():
            linear = _pulled_outwards(linear, pure)
    return Picture(pyramid(linear), inside, (left, top))


def _signed_distance(alpha: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Distance to the outline (alpha a half) at pixel centres, positive inside."""
    solid = (alpha > 0.5).astype(np.uint8)
    if solid.all() or not solid.any():
        return np.full(alpha.shape, np.float32(max(alpha.shape) * (1 if solid.any() else -1)))
    into, out_of = (cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for part in (solid, 1 - solid))
    return np.asarray(np.where(solid > 0, into - 0.5, 0.5 - out_of), dtype=np.float32)


def _pure(alpha: Float32[np.ndarray, "h w"], edge_px: int) -> Bool[np.ndarray, "h w"]:
    """Pixels that show the object alone: opaque and off the edge; in parts too thin for that, their middle."""
    opaque = (alpha >= min(_PURE_ALPHA, float(alpha.max()))).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * edge_px + 1, 2 * edge_px + 1))
    pure = cv2.erode(opaque, disc)
    far = cv2.dilate(pure, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * edge_px + 3, 4 * edge_px + 3))) == 0
    return np.asarray((pure > 0) | ((opaque > 0) & far))


def _pulled_outwards(
    linear: Float32[np.ndarray, "h w 3"], pure: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w 3"]:
    """The picture with every pixel that is not pure replaced by the nearest that is."""
    _, labels = cv2.distanceTransformWithLabels(
        (~pure).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(int(labels.max()) + 1, np.int64)
    source[labels[pure]] = np.flatnonzero(pure)
    return linear.reshape(-1, 3)[source[labels]]


def pyramid(image: Float32[np.ndarray, "h w *c"]) -> tuple[Float32[np.ndarray, "_h _w *c"], ...]:
    """The image and halved copies of it, by area means."""
    levels = [image]
    while min(levels[-1].shape[:2]) >= 2 * _SMALLEST_LEVEL_PX:
        height, width = levels[-1].shape[:2]
        levels.append(cv2.resize(levels[-1], (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA))
    return tuple(levels)
