"""Light on paper: a drawing as under even white light, without shadows and the paper's tint."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.core.color import linear_from_srgb, luminance, srgb_from_linear
from unflat.geometry.image_edges import lab_from_srgb, reduced_size, resized
from unflat.geometry.masks import reached_from_frame

STROKE_SHARE = 0.06
"""Strokes are narrower than this share of the longer side; shadows and tables are wider."""
_LIGHT_SIDE_PX = 400
"""Longer side of the copy on which light is estimated; it varies slowly."""
_BLACK_HAT = 0.06
"""Not paper: what is narrower than a stroke and darker by this share than what is around it."""
_BLOB_SHARE, _DARKEST_SHADOW, _DARKEST_PAPER = 0.15, 0.45, 0.08
"""Not paper: what is narrower than this share of the longer side and has less than this share of the light around it,
or than this share of the brightest paper's."""
_TINT = 0.07
"""Not paper: what differs by so much in colour (each channel over brightness, as seen under the same light)."""
_LIGHT_BLUR_SHARE = 0.004
"""Light is averaged over this share of the longer side: narrow enough for a shadow's edge."""
PAPER_BYTE = np.uint8(243)
"""What paper is in the flattened picture (sRGB): white, with room for what is brighter."""
_PAPER_LEVEL = float(linear_from_srgb(np.array([PAPER_BYTE]))[0])


def flattened(pixels: UInt8[np.ndarray, "h w 3"], region: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """The picture as under even white light on white paper.

    Light is the paper's own colour, averaged nearby where there is only paper and carried over what is drawn; dividing
    by it removes shadows and the paper's tint. Outside the region all is white. Cost: linear in pixels.
    """
    small_size = reduced_size(region.shape[0], region.shape[1], _LIGHT_SIDE_PX)
    small = linear_from_srgb(np.ascontiguousarray(resized(pixels, small_size)))
    inside = resized(region.astype(np.float32), small_size) > 0.99
    light = _light_of_paper(small, inside if inside.any() else np.ones(small_size, dtype=bool))
    gain = np.float32(_PAPER_LEVEL) / np.maximum(light, np.float32(1e-3))
    even = linear_from_srgb(pixels) * resized(gain, region.shape)
    return np.where(region[..., None], srgb_from_linear(even), PAPER_BYTE).astype(np.uint8)


def _light_of_paper(
    linear: Float32[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w 3"]:
    """Paper's colour everywhere; twice, since the first light shows better what is not paper."""
    brightness = luminance(linear)
    closed = without_strokes(np.where(inside, brightness, np.float32(0)))
    thin = closed - brightness > _BLACK_HAT * closed
    blob = brightness < _DARKEST_SHADOW * without_strokes(brightness, _BLOB_SHARE)
    dark = blob | (brightness < _DARKEST_PAPER * float(np.percentile(brightness[inside], 90)))
    tint = linear / np.maximum(brightness, np.float32(1e-3))[..., None]
    plain = inside & ~thin & ~dark
    common = _commonest_tint(tint[plain]) if plain.any() else np.ones(3, dtype=np.float32)
    paper = plain & (np.abs(tint - common).max(axis=2) < 2 * _TINT)
    for _ in range(2):
        if not paper.any():
            return np.ones_like(linear)
        sure = cv2.erode(paper.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        light = _spread(linear, sure if sure.any() else paper)
        share = linear / np.maximum(light, np.float32(1e-3))
        off_tint = np.abs(share / np.maximum(luminance(share), np.float32(1e-3))[..., None] - 1).max(axis=2) > _TINT
        plain = inside & ~off_tint & ~thin & ~dark
        # a drawn grey region hardly reaches the frame; a shadow does
        shadow = reached_from_frame(plain & (luminance(share) <= 1 - 2 * _BLACK_HAT))
        paper = plain & ((luminance(share) > 1 - 2 * _BLACK_HAT) | shadow)
    return _spread(linear, paper) if paper.any() else light


def _commonest_tint(tint: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "3"]:
    """The mode of red and blue over brightness, on a fine histogram, with the median green of its bin."""
    bins = np.clip((tint[:, [0, 2]] / (_TINT / 2)).astype(np.int64), 0, 199)
    keys = bins[:, 0] * 200 + bins[:, 1]
    counts = cv2.GaussianBlur(np.bincount(keys, minlength=40000).reshape(200, 200).astype(np.float32), (0, 0), 1.0)
    red, blue = np.unravel_index(int(np.argmax(counts)), counts.shape)
    near = np.abs(bins - [red, blue]).max(axis=1) <= 1
    chosen = tint[near] if near.any() else tint
    return np.median(chosen, axis=0).astype(np.float32)


def _spread(colors: Float32[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
    """Known colours averaged nearby; where none is near, from ever wider (push-pull, Gortler et al. 1996, section 3.4).

    Each wider average is taken on a copy of half the size, so that the cost is linear in pixels.
    """
    size = known.shape
    sigma = max(1.0, _LIGHT_BLUR_SHARE * max(size))
    weight = known.astype(np.float32)
    total, mass = colors * weight[..., None], weight
    result, seen = np.zeros_like(colors), np.zeros(size, dtype=np.float32)
    while True:
        near = cv2.GaussianBlur(mass, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        blurred = cv2.GaussianBlur(total, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        average = resized(blurred / np.maximum(near, np.float32(1e-6))[..., None], size)
        share = np.clip(resized(near, size) * 4, 0, 1) * (1 - seen)
        result += average * share[..., None]
        seen += share
        if float(seen.min()) > 0.99 or min(mass.shape) <= 4:
            rest = colors[known].mean(axis=0)
            return np.asarray(result + (1 - seen)[..., None] * rest, dtype=np.float32)
        half = (-(-mass.shape[0] // 2), -(-mass.shape[1] // 2))
        total, mass = resized(total, half), resized(mass, half)


def distance_from_white(pixels: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """How far each pixel of a flattened picture is from its paper, in Lab units; what is brighter counts as paper."""
    lab = lab_from_srgb(pixels)
    white = lab_from_srgb(np.full((1, 1, 3), PAPER_BYTE, dtype=np.uint8))[0, 0]
    step = lab - white
    step[..., 0] = np.minimum(step[..., 0], 0)
    return np.asarray(np.linalg.norm(step, axis=2), dtype=np.float32)


def without_strokes(
    light: Float32[np.ndarray, "h w"], widest_share: float = STROKE_SHARE
) -> Float32[np.ndarray, "h w"]:
    """Brightness with what is dark and narrow closed (grey closing): paper, shadows and tables remain.

    Closed is what is narrower than this share of the longer side. Cost: linear in pixels whatever the width.
    """
    reach = round(widest_share * max(light.shape) / 2) + 1
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    # a narrow strip of table along the frame goes on beyond it
    padded = cv2.copyMakeBorder(light, *(2 * reach,) * 4, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)
    return np.asarray(closed[2 * reach : -2 * reach, 2 * reach : -2 * reach])
