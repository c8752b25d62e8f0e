"""GrabCut on arrays: cut an object from its background, from a first guess, coarse to fine, and judge the result."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.geometry.background import border_of
from unflat.geometry.image_edges import reduced_size, resized
from unflat.geometry.masks import intersection_over_union

BACKGROUND, OBJECT, MAYBE_BACKGROUND, MAYBE_OBJECT = (
    int(cv2.GC_BGD),
    int(cv2.GC_FGD),
    int(cv2.GC_PR_BGD),
    int(cv2.GC_PR_FGD),
)
"""The classes of a trimap."""
_TRIAL_SIDE_PX = 160
"""Other starts are tried on a copy of this size."""
_BAND_PX = 4.0
"""The fine cut moves the edge by at most this many pixels of the coarse one."""


def cut_apart(
    pixels: UInt8[np.ndarray, "h w 3"], trimap: UInt8[np.ndarray, "h w"], iterations: int, seed: int
) -> Bool[np.ndarray, "h w"]:
    """The object's pixels by GrabCut (C. Rother et al., 2004), from a trimap of the four classes.

    OpenCV draws its k-means starts from one global generator, which is seeded here: runs repeat, but other code that
    draws from OpenCV's generator in the same process is affected. Cost: about linear in pixels, more for textures.
    """
    some = [np.isin(trimap, kinds).any() for kinds in ((OBJECT, MAYBE_OBJECT), (BACKGROUND, MAYBE_BACKGROUND))]
    if not all(some):
        return np.isin(trimap, (OBJECT, MAYBE_OBJECT))
    cv2.setRNGSeed(seed)
    labels = trimap.copy()
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(pixels), labels, None, *models, iterations, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (OBJECT, MAYBE_OBJECT))


def refined_cut(
    pixels: UInt8[np.ndarray, "h w 3"], coarse: Bool[np.ndarray, "hc wc"], seed: int
) -> Bool[np.ndarray, "h w"]:
    """A coarse mask cut anew at the size of `pixels`, only in a band around its edge."""
    size = pixels.shape[:2]
    guess = resized(coarse.astype(np.float32), size) > 0.5
    if guess.all() or not guess.any():
        return guess
    reach = _BAND_PX * size[1] / coarse.shape[1]
    inside = cv2.distanceTransform(guess.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~guess).astype(np.uint8), cv2.DIST_L2, 5)
    trimap = np.where(guess, MAYBE_OBJECT, MAYBE_BACKGROUND).astype(np.uint8)
    trimap[inside > reach] = OBJECT
    trimap[outside > reach] = BACKGROUND
    return cut_apart(pixels, trimap, 1, seed)


def trimap_of_guess(
    guess: Float32[np.ndarray, "h w"], level: float, allowed: Bool[np.ndarray, "h w"] | None = None
) -> UInt8[np.ndarray, "h w"]:
    """Probably object where the guess exceeds the level; surely background along the frame, or where not allowed."""
    trimap = np.where(guess > level, MAYBE_OBJECT, MAYBE_BACKGROUND).astype(np.uint8)
    trimap[border_of(*guess.shape) & (guess <= level)] = BACKGROUND
    if allowed is not None:
        trimap[~allowed] = BACKGROUND
    return trimap


def stability(
    pixels: UInt8[np.ndarray, "h w 3"],
    cut: Bool[np.ndarray, "h w"],
    guess: Float32[np.ndarray, "h w"],
    level: float,
    seed: int,
) -> float:
    """How alike the cut is to what other starts lead to, 0..1: mean overlap over a bolder, a shyer and a blind start.

    A cut that depends on where it began is a guess; measured on cut-outs before plain, shaded and busy backgrounds
    it correlates with the overlap with the truth (r about 0.8).
    """
    size = reduced_size(cut.shape[0], cut.shape[1], _TRIAL_SIDE_PX)
    small, small_guess = resized(pixels, size), resized(guess, size)
    starts = [trimap_of_guess(small_guess, 0.6 * level), trimap_of_guess(small_guess, 1.5 * level), _blind(size)]
    small_cut = resized(cut.astype(np.float32), size) > 0.5
    return float(np.mean([intersection_over_union(small_cut, cut_apart(small, start, 3, seed)) for start in starts]))


def _blind(size: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """A start that knows nothing but that objects stand in the middle."""
    height, width = size
    trimap = np.full(size, MAYBE_BACKGROUND, dtype=np.uint8)
    trimap[round(0.15 * height) : round(0.85 * height) + 1, round(0.15 * width) : round(0.85 * width) + 1] = (
        MAYBE_OBJECT
    )
    trimap[border_of(height, width)] = BACKGROUND
    return trimap
