"""What planes cost at a pixel: how unlike its patch is in the sources, and how far their depths are from agreeing.

A patch goes into another picture by the affine map that the plane's homography is at its middle: over nine pixels the
two are the same, and a division for every sample costs a fifth of the time. Costs are bilaterally weighted normalised
cross-correlation (Schoenberger et al. 2016, section 4.1). Planes are computed side by side, one in each lane, and when
their patches are sampled, all planes in all sources follow each other in the lanes.

Planes of a pixel lie in arrays (3, `LANES`): inverse depth, its slope to the right, its slope downwards. `others`, of
the s sources: their pictures (see `corner_bytes`) and sizes (s, 2), warps and shifts to them, their inverse depths
(s, H, W), warps and shifts back. A warp takes reference pixels (whole-number places of their centres) to the source
at infinity, the shift is added times inverse depth.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, UInt32
from numba import njit

from unflat.geometry.lanes import (
    LANES,
    absolute,
    bytes_looked_up,
    exponential,
    least_of,
    load,
    load_whole,
    looked_up,
    most_of,
    moved,
    real,
    root,
    store,
    times,
    total_of,
    where,
    whole,
)

RADIUS, STEP = 4, 2
"""Radius of a patch, and the distance of its samples, in pixels."""
_SIDE = np.arange(-RADIUS, RADIUS + 1, STEP)
_ROUND = np.hypot(*np.meshgrid(_SIDE, _SIDE)) < RADIUS + STEP / 2
_DOWN, _ACROSS = (_SIDE[places].astype(np.float32) for places in np.nonzero(_ROUND))
SAMPLES = len(_ACROSS)
PADDED_SAMPLES = -(-SAMPLES // LANES) * LANES
"""Samples as whole vectors: the rest weighs nothing."""
WORST = 2.0
"""Cost (one minus correlation) of what can't be seen or has no texture."""
_SIGMA_PLACE, _SIGMA_COLOR = 4.0, 12.0 / 255
"""Bilateral weights: distance in pixels, difference in grey (0..1)."""
_NEARNESS = np.zeros(PADDED_SAMPLES, np.float32)
_NEARNESS[:SAMPLES] = np.exp(-(_ACROSS**2 + _DOWN**2) / (2 * _SIGMA_PLACE**2))
LEAST_VARIANCE = 2e-5
"""Below this variance of grey (0..1) a patch has no texture that could be found again."""
_LEAST_DEPTH = 1e-6
FAST = {"contract"}
"""Fused products are the only liberty with arithmetic: with more, code that Numba has just compiled rounds otherwise
than the same code from its cache."""
_EDGE = 1.01
"""A sample's pixel has a right and a lower neighbour: so far from the end, and a little more for rounding."""
_WHITE = 255.0
_GEOMETRIC_CLAMP_PX = 3.0
"""Where forward-backward reprojection error is cut off (ACMM, equation 9)."""
_X, _Y, _X_ACROSS, _Y_ACROSS, _X_DOWN, _Y_DOWN, _INSIDE = range(7)
"""Rows of the affine maps of patches."""


def corner_bytes(pictures: Float32[np.ndarray, "s h w"]) -> UInt32[np.ndarray, "s h w"]:
    """Each pixel's grey and that of its right, lower and lower right neighbour as bytes, lowest first.

    A sample between pixels then needs one load. Photos have 8 bits; smaller copies of them lose what is below. The
    last row and column have no neighbours, and are never looked up.
    """
    grey = np.zeros((len(pictures), pictures.shape[1] + 1, pictures.shape[2] + 1), np.uint32)
    grey[:, :-1, :-1] = np.rint(np.clip(pictures, 0, 1) * np.float32(_WHITE))
    upper, lower = grey[:, :-1], grey[:, 1:]
    return upper[..., :-1] | upper[..., 1:] << 8 | lower[..., :-1] << 16 | lower[..., 1:] << 24


def padded(image: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "H W"]:
    """The picture with its margin repeated, so that all patches lie inside."""
    return np.pad(image, RADIUS, mode="edge")


@njit
@no_type_check
def sample_places(width):
    """Flat indices (`PADDED_SAMPLES`) of a patch's samples in a padded picture, from its middle."""
    places = np.zeros(PADDED_SAMPLES, np.int32)
    for i in range(SAMPLES):
        places[i] = np.int32(_DOWN[i]) * np.int32(width) + np.int32(_ACROSS[i])
    return places


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def reference_patch(image, row, column, places, weights, values):
    """Fill in a patch's weights (sum 1) and weighted greys less their mean; give its weighted variance.

    `image` is `padded`; row and column are those of the picture itself. `places` are `sample_places`.
    """
    middle = (row + RADIUS) * image.shape[1] + column + RADIUS
    centre = image[row + RADIUS, column + RADIUS]
    sharpness = np.float32(-1 / (2 * _SIGMA_COLOR * _SIGMA_COLOR))
    total, mean, square = np.float32(0), np.float32(0), np.float32(0)
    for start in range(0, PADDED_SAMPLES, LANES):
        away = looked_up(image, moved(load_whole(places, start), np.int32(middle))) - centre
        weight = load(_NEARNESS, start) * exponential(away * away * sharpness)
        store(weights, start, weight)
        store(values, start, away)
        total += total_of(weight)
        mean += total_of(weight * away)
    scale = np.float32(1) / total
    mean *= scale
    for start in range(0, PADDED_SAMPLES, LANES):
        weight, away = load(weights, start) * scale, load(values, start) - mean
        store(weights, start, weight)
        store(values, start, weight * away)
        square += total_of(weight * away * away)
    return square


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def patch_costs(others, asked, planes, many, patch, room, costs):
    """Fill in one minus the patch's correlation under each of the first planes with each source whose bit is set.

    `costs` (s, `LANES`) is that of a source in which the patch can't be seen for all others; lanes from `many` on mean
    nothing. `patch`: row, column, weights, values, variance of the `reference_patch`. `room`: what `cost_room` gives.
    """
    maps, offsets, joined = room
    filled = 0
    for j in range(len(costs)):
        if (asked >> j) & 1:
            _put_maps(others, j, planes, patch, maps, offsets, filled)
            filled += many
    for start in range(0, filled, LANES):
        store(joined, start, _unlikeness(others, maps, offsets, start, patch))
    start = 0
    for j in range(len(costs)):
        if (asked >> j) & 1:
            store(costs, j * LANES, load(joined, start))
            start += many
        else:
            store(costs, j * LANES, np.float32(WORST))


@njit
@no_type_check
def cost_room(sources):
    """Where `patch_costs` keeps the affine maps, the sources' offsets and the costs of all planes in all sources."""
    length = (sources + 1) * LANES
    return np.zeros((7, length), np.float32), np.zeros(length, np.int32), np.zeros(length, np.float32)


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def _put_maps(others, j, planes, patch, maps, offsets, filled):
    """Put the affine maps of the patch to source j, under all lanes' planes, behind those that are there."""
    pictures, sizes, warp, shift = others[0], others[1], others[2], others[3]
    row, column = patch[0], patch[1]
    inverse, right, below = load(planes, 0), load(planes, LANES), load(planes, 2 * LANES)
    x = inverse * shift[j, 0] + (warp[j, 0, 0] * column + warp[j, 0, 1] * row + warp[j, 0, 2])
    y = inverse * shift[j, 1] + (warp[j, 1, 0] * column + warp[j, 1, 1] * row + warp[j, 1, 2])
    z = inverse * shift[j, 2] + (warp[j, 2, 0] * column + warp[j, 2, 1] * row + warp[j, 2, 2])
    scale = np.float32(1) / z
    x, y = x * scale, y * scale
    z_across, z_down = right * shift[j, 2] + warp[j, 2, 0], below * shift[j, 2] + warp[j, 2, 1]
    x_across = (right * shift[j, 0] + warp[j, 0, 0] - x * z_across) * scale
    y_across = (right * shift[j, 1] + warp[j, 1, 0] - y * z_across) * scale
    x_down = (below * shift[j, 0] + warp[j, 0, 1] - x * z_down) * scale
    y_down = (below * shift[j, 1] + warp[j, 1, 1] - y * z_down) * scale
    reach_x = (absolute(x_across) + absolute(x_down)) * np.float32(RADIUS)
    reach_y = (absolute(y_across) + absolute(y_down)) * np.float32(RADIUS)
    last_x, last_y = np.float32(sizes[j, 1]) - np.float32(_EDGE), np.float32(sizes[j, 0]) - np.float32(_EDGE)
    inside = (z > np.float32(_LEAST_DEPTH)) & (x >= reach_x) & (y >= reach_y)
    inside = inside & (x + reach_x < last_x) & (y + reach_y < last_y)
    # what is not inside looks at the first pixel only, and so can't look beyond the picture
    length = maps.shape[1]
    store(maps, _X * length + filled, where(inside, x, np.float32(0)))
    store(maps, _Y * length + filled, where(inside, y, np.float32(0)))
    store(maps, _X_ACROSS * length + filled, where(inside, x_across, np.float32(0)))
    store(maps, _Y_ACROSS * length + filled, where(inside, y_across, np.float32(0)))
    store(maps, _X_DOWN * length + filled, where(inside, x_down, np.float32(0)))
    store(maps, _Y_DOWN * length + filled, where(inside, y_down, np.float32(0)))
    store(maps, _INSIDE * length + filled, where(inside, np.float32(1), np.float32(0)))
    store(offsets, filled, np.int32(j * pictures.shape[1] * pictures.shape[2]))


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def _unlikeness(others, maps, offsets, start, patch):
    """One minus the patch's correlation under `LANES` affine maps from a place on."""
    pictures, weights, values, variance = others[0], patch[2], patch[3], patch[4]
    length, stride = maps.shape[1], np.int32(pictures.shape[2])
    x0, x_across = load(maps, _X * length + start), load(maps, _X_ACROSS * length + start)
    y0, y_across = load(maps, _Y * length + start), load(maps, _Y_ACROSS * length + start)
    x_down, y_down = load(maps, _X_DOWN * length + start), load(maps, _Y_DOWN * length + start)
    offset = load_whole(offsets, start)
    mean = x0 * np.float32(0)
    square, product = mean, mean
    for i in range(SAMPLES):
        x, y = x_across * _ACROSS[i] + x0 + x_down * _DOWN[i], y_across * _ACROSS[i] + y0 + y_down * _DOWN[i]
        left, top = whole(x), whole(y)
        beside, under = x - real(left), y - real(top)
        a, b, c, d = bytes_looked_up(pictures, moved(moved(left, times(top, stride)), offset))
        upper, lower = (b - a) * beside + a, (d - c) * beside + c
        value = (lower - upper) * under + upper
        weighted = value * weights[i]
        mean = mean + weighted
        square = weighted * value + square
        product = value * values[i] + product
    other = square - mean * mean
    textured = other >= np.float32(LEAST_VARIANCE * _WHITE * _WHITE)
    cost = np.float32(1) - product / root(most_of(other, np.float32(1e-9)) * variance)
    cost = least_of(most_of(cost, np.float32(0)), np.float32(WORST))
    seen = textured & (load(maps, _INSIDE * length + start) > np.float32(0))
    return where(seen, cost, np.float32(WORST))


@njit(fastmath=FAST, forceinline=True)
@no_type_check
def disagreements(others, j, row, column, inverse):
    """Forward-backward reprojection errors in pixels of the lanes' inverse depths with source j's, clamped."""
    sizes, warp, shift = others[1], others[2], others[3]
    inverse_depth, back, back_shift = others[4], others[5], others[6]
    clamp, nothing, half = np.float32(_GEOMETRIC_CLAMP_PX), np.float32(0), np.float32(0.5)
    z = inverse * shift[j, 2] + (warp[j, 2, 0] * column + warp[j, 2, 1] * row + warp[j, 2, 2])
    scale = np.float32(1) / z
    x = (inverse * shift[j, 0] + (warp[j, 0, 0] * column + warp[j, 0, 1] * row + warp[j, 0, 2])) * scale
    y = (inverse * shift[j, 1] + (warp[j, 1, 0] * column + warp[j, 1, 1] * row + warp[j, 1, 2])) * scale
    inside = (z > np.float32(_LEAST_DEPTH)) & (x >= -half) & (y >= -half)
    inside = inside & (x + half < np.float32(sizes[j, 1])) & (y + half < np.float32(sizes[j, 0]))
    left, top = whole(where(inside, x + half, nothing)), whole(where(inside, y + half, nothing))
    height, width = inverse_depth.shape[1], inverse_depth.shape[2]
    place = moved(moved(left, times(top, np.int32(width))), np.int32(j * height * width))
    found = looked_up(inverse_depth, place)
    z = x * back[j, 2, 0] + y * back[j, 2, 1] + back[j, 2, 2] + found * back_shift[j, 2]
    scale = np.float32(1) / z
    right = (x * back[j, 0, 0] + y * back[j, 0, 1] + back[j, 0, 2] + found * back_shift[j, 0]) * scale - column
    below = (x * back[j, 1, 0] + y * back[j, 1, 1] + back[j, 1, 2] + found * back_shift[j, 1]) * scale - row
    known = inside & (found > nothing) & (z > np.float32(_LEAST_DEPTH))
    return where(known, least_of(root(right * right + below * below), clamp), clamp)
