"""Whether a picture is a drawing or a photo, so that the right recipe starts by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.core import Photo
from unflat.geometry.image_edges import lab_from_srgb, reduced_size, resized
from unflat.geometry.ink import filled, grown, opened, strokes_of
from unflat.geometry.paper import find_sheet
from unflat.geometry.paper_light import distance_from_white, flattened
from unflat.geometry.tones import is_two_tone

_SIDE_PX = 256
"""Longer side of the copy that is judged."""
_LEAST_PAPER_SHARE, _LEAST_PAPER_L, _MOST_PAPER_CHROMA = 0.5, 50.0, 25.0
"""Paper fills most of a picture of a drawing, is light and has little colour (Lab)."""
_MOST_NOISE_LAB, _LEAST_NOISE_LAB = 2.0, 0.1
"""Evenly lit paper is so even; perfectly even is the background of a render or a product shot."""
_STROKE_HALF_WIDTH_PX, _LINES_SHARE = 6.0, 0.75
"""A line drawing's ink is mostly narrower than twice this."""
_OUTLINE_DROP_L, _OUTLINED_SHARE = 12.0, 0.8
"""A coloured drawing has a darker line along so much of its outline."""
_DARK_L, _MOST_DARK_SHARE, _LEAST_MEDIAN_L = 45.0, 0.15, 72.0
"""Crayon on white is light almost everywhere; a lit object has shaded sides."""
_VIVID_CHROMA, _LEAST_VIVID_SHARE = 50.0, 0.2
"""Crayon is vivid."""
_GAP_PX, _RIM_PX = 8.0, 3.0
"""Gaps closed in outlines, and how far from the outline the inside begins."""


@dataclass(frozen=True, eq=False)
class _Looks:
    """An evenly lit copy taken apart."""

    lab: Float32[np.ndarray, "h w 3"]
    ink: Bool[np.ndarray, "h w"]
    body: Bool[np.ndarray, "h w"]
    noise_lab: float


def kind_of_picture(photo: Photo) -> Literal["photo", "drawing"]:
    """`drawing` for line drawings, crayon drawings on paper and silhouettes; else `photo`.

    Cut-outs with shading are photos, as are product shots before white. What is doubtful counts as a photo. Wires and
    bicycles before white look like line drawings, and paintings without paper like photos: the user can say the kind.
    """
    small = np.ascontiguousarray(resized(photo.pixels, reduced_size(photo.height, photo.width, _SIDE_PX)))
    if photo.alpha is not None and 0.005 < (photo.alpha > 127).mean() < 0.995:
        alpha = resized(photo.alpha, small.shape[:2])
        return "drawing" if _is_flat(small, np.asarray(alpha > 250)) else "photo"
    if is_two_tone(small):
        return "drawing"
    looks = _looks_of(small)
    if looks is None:
        return "photo"
    return "drawing" if _is_line_drawing(looks) or _is_colored_drawing(looks) else "photo"


def _is_flat(pixels: UInt8[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"]) -> bool:
    """Whether what is cut out is a silhouette of one colour."""
    colors = pixels[inside]
    return len(colors) > 0 and bool((np.abs(colors - np.median(colors, axis=0)).max(axis=1) < 12).mean() > 0.97)


def _looks_of(pixels: UInt8[np.ndarray, "h w 3"]) -> _Looks | None:
    """The picture as strokes on paper; None where there is no light, even paper or nothing on it."""
    sheet = find_sheet(pixels)
    even = flattened(pixels, sheet.region)
    distance = distance_from_white(even)
    ink = strokes_of(distance) & sheet.region & ~grown(~sheet.region, 4)
    paper = sheet.region & ~grown(ink, 2)
    if not ink.any() or paper.sum() < _LEAST_PAPER_SHARE * sheet.region.sum():
        return None
    color = np.median(lab_from_srgb(pixels)[paper], axis=0)
    noise = float(np.median(distance[paper]))
    if color[0] < _LEAST_PAPER_L or np.hypot(color[1], color[2]) > _MOST_PAPER_CHROMA or noise > _MOST_NOISE_LAB:
        return None
    return _Looks(lab_from_srgb(even), ink, filled(ink, _GAP_PX), noise)


def _is_line_drawing(looks: _Looks) -> bool:
    """Whether almost all ink is in narrow strokes."""
    wide = opened(looks.ink, _STROKE_HALF_WIDTH_PX)
    return bool(1 - wide.sum() / looks.ink.sum() > _LINES_SHARE)


def _is_colored_drawing(looks: _Looks) -> bool:
    """Whether the body is light, vivid, outlined, and on real paper."""
    lightness, chroma = looks.lab[..., 0], np.hypot(looks.lab[..., 1], looks.lab[..., 2])
    depth = cv2.distanceTransform(looks.body.astype(np.uint8), cv2.DIST_L2, 5)
    core, edge = depth > _RIM_PX, (depth > 0) & (depth <= _RIM_PX / 2)
    if looks.noise_lab < _LEAST_NOISE_LAB or not core.any():
        return False
    around = cv2.morphologyEx(lightness, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
    line = cv2.dilate((around - lightness > _OUTLINE_DROP_L).astype(np.uint8), np.ones((5, 5), np.uint8))
    return bool(
        line[edge].mean() > _OUTLINED_SHARE
        and (lightness[core] < _DARK_L).mean() < _MOST_DARK_SHARE
        and np.median(lightness[core]) > _LEAST_MEDIAN_L
        and (chroma[core] > _VIVID_CHROMA).mean() > _LEAST_VIVID_SHARE
    )
