"""What speaks against taking a cut-out for one whole, opaque, coloured object: rough signs, each as a sentence.

They warn and refuse nothing: a wrong sign costs a line, a wrong refusal the asset.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from unflat.core import Mask, Photo
from unflat.geometry.image_edges import lab_from_srgb

_CUT_SHARE = 0.04
"""Share of the box's longer side along which the outline may lie on the frame: touching it is no cut."""
_TOUCH = 2.2
"""Nor along this many times the square root of its length in pixels, which a disc that just touches covers."""
_SMALL_PX = 64
"""Objects shorter than this give the network less than a quarter of the detail that it can use."""
_SIDE_PX = 256
"""Longer side of the copy of the object that is judged."""
_COLOURLESS = 2.0
"""Chroma (Lab) below which nothing in the whole picture has a colour."""
_CHROME_CHROMA, _CHROME_SPREAD_L = 9.0, 26.0
"""Bare metal has next to no colour of its own, and mirrors both sky and ground: nearly white beside nearly black."""
_HIGHLIGHT_L, _LEAST_HIGHLIGHTS = 96.0, 0.004
"""Lights mirrored in glass and chrome burn out, but in small spots."""
_MOST_HIGHLIGHTS = 0.12
_GLASS_LIKE_GROUND = 7.0
"""Difference (Lab) from the ground around below which the inside may be the ground seen through."""


def doubts_about(photo: Photo, mask: Mask) -> tuple[str, ...]:
    """Sentences for the user, worst first; none for an ordinary object. 10 ms."""
    found = [_cut_off(mask), _small(mask)]
    pixels, inside = _close_up(photo, mask)
    lab = lab_from_srgb(pixels)
    colourless = _is_colourless(photo)
    if colourless:
        found.append(
            "The photo is black and white, or its object is: the texture has no colours, the shape is less certain."
        )
    if inside.sum() > _SMALL_PX and (inside.sum() < inside.size):
        found.append(_shiny(lab, inside, colourless) or _see_through(lab, inside))
    return tuple(doubt for doubt in found if doubt)


def _cut_off(mask: Mask) -> str:
    solid = mask.solid
    left, top, right, bottom = mask.box
    edges = {"left": solid[:, 0], "right": solid[:, -1], "top": solid[0], "bottom": solid[-1]}
    side = max(right - left, bottom - top)
    most = max(_CUT_SHARE * side, _TOUCH * np.sqrt(side))
    cut = [name for name, pixels in edges.items() if pixels.sum() > most]
    if not cut:
        return ""
    return f"The object is cut off by the picture's frame ({', '.join(cut)}): what lies beyond is not made."


def _small(mask: Mask) -> str:
    left, top, right, bottom = mask.box
    side = max(right - left, bottom - top)
    if side >= _SMALL_PX:
        return ""
    return f"The object is only {right - left}x{bottom - top} pixels large: expect a rough shape."


def _is_colourless(photo: Photo) -> bool:
    step = max(1, max(photo.width, photo.height) // _SIDE_PX)
    pixels = photo.pixels[::step, ::step].astype(np.int16)
    return bool(np.ptp(pixels, axis=2).mean() < _COLOURLESS)


def _close_up(photo: Photo, mask: Mask) -> tuple[np.ndarray, Bool[np.ndarray, "h w"]]:
    """The object with a margin, small."""
    left, top, right, bottom = mask.box
    margin = max(right - left, bottom - top) // 8 + 1
    part = np.s_[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin]
    pixels, alpha = photo.pixels[part], mask.alpha[part]
    scale = min(1.0, _SIDE_PX / max(alpha.shape))
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (pixels, alpha)]
    return np.ascontiguousarray(small[0]), np.asarray(small[1] > 0.9)


def _shiny(lab: Float32[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"], colourless: bool) -> str:
    lightness, chroma = lab[..., 0][inside], np.hypot(lab[..., 1], lab[..., 2])[inside]
    burnt = float((lightness > _HIGHLIGHT_L).mean())
    grey = not colourless and float(np.percentile(chroma, 80)) < _CHROME_CHROMA
    spots = _LEAST_HIGHLIGHTS < burnt < _MOST_HIGHLIGHTS
    if not (grey and spots and float(lightness.std()) > _CHROME_SPREAD_L):
        return ""
    return "The object looks like bare metal: what it mirrors is taken for its own colour, and may bend its shape."


def _see_through(lab: Float32[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"]) -> str:
    around = ~cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    core = cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    if core.sum() < _SMALL_PX or around.sum() < _SMALL_PX:
        return ""
    burnt = float((lab[..., 0][inside] > _HIGHLIGHT_L).mean())
    ground = float(np.median(lab[..., 0][around])) < _HIGHLIGHT_L - 10  # before white, spots tell nothing
    difference = np.linalg.norm(np.median(lab[core], axis=0) - np.median(lab[around], axis=0))
    if not (ground and difference < _GLASS_LIKE_GROUND and _LEAST_HIGHLIGHTS < burnt < _MOST_HIGHLIGHTS):
        return ""
    return "The object looks like glass: what shines through it is taken for its own surface."
