"""Ink: strokes on white paper, gaps in their outlines closed, and the regions that they enclose."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32

_NOISE_FACTOR = 5.0
"""Ink differs from paper by this many times the paper's own usual deviation."""
_LEAST_LAB, _MOST_LAB = 9.0, 22.0
"""Ink is surely ink beyond a level between these, in Lab units; connected to such, half of it is enough."""
_STRENGTH = 0.35
"""That level, as a share of how far the strongest ink is from paper."""
_RIM_PX, _RIM_SHARE = 5, 0.35
"""A pixel is a stroke's rim if something in this window around it is so much stronger."""
_CROSSING = 2.5
"""A stroke crosses the frame if it covers at most this many stroke widths of it; one that runs along it does not."""
_ROOM = 2.5
"""A gap is closed where the region behind it holds a disc this many times as wide as the gap."""
_RADIUS_STEP = 1.5
"""Gap radii grow by this factor."""


def strokes_of(distance_lab: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Where ink is, from each pixel's distance to paper in Lab units (hysteresis, Canny 1986)."""
    blurred = cv2.GaussianBlur(distance_lab, (0, 0), 0.6)
    noise = float(np.median(blurred))
    sure = float(np.clip(_STRENGTH * np.percentile(blurred, 99), _LEAST_LAB, _MOST_LAB))
    sure = max(sure, _NOISE_FACTOR * noise)
    # a dark stroke's blurred rim is as far from paper as a faint stroke
    strongest = cv2.dilate(blurred, np.ones((_RIM_PX, _RIM_PX), np.uint8))
    weak = (blurred > sure / 2) & (blurred > _RIM_SHARE * strongest)
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    keep = np.bincount(labels[blurred > sure], minlength=count) > 0
    keep[0] = False
    return np.asarray(keep[labels])


def stroke_width_px(ink: Bool[np.ndarray, "h w"]) -> float:
    """The usual width of strokes in pixels: twice the median depth of the ink's middle lines; 0 without ink."""
    depth = cv2.distanceTransform(np.pad(ink, 1).astype(np.uint8), cv2.DIST_L2, 5)
    ridge = (depth > 0) & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)))
    return float(2 * np.median(depth[ridge]) - 1) if ridge.any() else 0.0


def opened(region: Bool[np.ndarray, "h w"], radius_px: float) -> Bool[np.ndarray, "h w"]:
    """The part of the region that discs of this radius inside it cover; the frame is no edge."""
    return grown(_deeper_than(region, radius_px), radius_px) & region


def grown(region: Bool[np.ndarray, "h w"], radius_px: float) -> Bool[np.ndarray, "h w"]:
    """The region and all within this distance of it. Cost: linear in pixels whatever the radius."""
    if radius_px < 1 or not region.any():
        return region
    return np.asarray(cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5) <= radius_px)


def _deeper_than(region: Bool[np.ndarray, "h w"], radius_px: float) -> Bool[np.ndarray, "h w"]:
    if region.all():
        return region
    return np.asarray(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5) > radius_px)


def filled(ink: Bool[np.ndarray, "h w"], largest_gap_px: float) -> Bool[np.ndarray, "h w"]:
    """The ink and all that it encloses, gaps of up to `largest_gap_px` closed where they are small for their region.

    Gaps are closed by discs of growing radius: outside is what a disc that comes from the frame can reach. An outline
    that is cropped by the frame counts as closed along it. Every enclosed loop is filled, rings too: whether the middle
    of two rings is a hole can't be told from a drawing. Cost: linear in pixels times log of the gap.
    """
    crossings = _crossings(ink, _CROSSING * stroke_width_px(ink))
    body = _enclosed_or_ink(ink, crossings, 0.0)
    radius = 1.0
    while radius <= largest_gap_px / 2:
        body = body | _roomy(_enclosed_or_ink(body, crossings, radius) & ~body, radius)
        radius *= _RADIUS_STEP
    return body


def _enclosed_or_ink(
    ink: Bool[np.ndarray, "h w"], crossings: Bool[np.ndarray, "n"], radius_px: float
) -> Bool[np.ndarray, "h w"]:
    """All that a disc of this radius, rolled in from outside, does not cover. It passes round what nears the frame."""
    pad = int(radius_px) + 2
    free = _deeper_than(~_carried_on(ink, crossings, pad), radius_px)
    outside = _outside(free, crossings, pad)
    inner = slice(pad, -pad), slice(pad, -pad)
    return ~grown(outside, radius_px)[inner] | ink


def _roomy(region: Bool[np.ndarray, "h w"], gap_radius_px: float) -> Bool[np.ndarray, "h w"]:
    """The pieces of a region that hold a disc clearly wider than the gap that was closed."""
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    depth = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    roomy = np.zeros(count, dtype=bool)
    roomy[np.unique(labels[depth > _ROOM * gap_radius_px])] = True
    roomy[0] = False
    return np.asarray(roomy[labels])


def _around(image: np.ndarray) -> np.ndarray:
    """The values along the frame, once round, clockwise from the top left."""
    return np.concatenate([image[0], image[1:, -1], image[-1, -2::-1], image[-2:0:-1, 0]])


def _crossings(ink: Bool[np.ndarray, "h w"], widest_px: float) -> Bool[np.ndarray, "n"]:
    """Where on the way round strokes cross the frame, rather than run along it as a foot does that just touches it."""
    ring = _around(ink)
    if ring.all() or not ring.any():
        return np.zeros_like(ring)
    first = int(np.argmin(ring))
    turned = np.roll(ring, -first)
    starts = np.flatnonzero(np.diff(turned, prepend=False) != 0)
    lengths = np.diff(starts, append=len(turned))
    crosses = np.zeros_like(ring)
    for start, length in zip(starts[::2].tolist(), lengths[::2].tolist(), strict=True):
        crosses[start : start + length] = length <= widest_px
    return np.roll(crosses, first)


def _carried_on(
    ink: Bool[np.ndarray, "h w"], crossings: Bool[np.ndarray, "n"], pad: int
) -> Bool[np.ndarray, "height width"]:
    """The ink on a wider picture, strokes that cross the frame carried on straight."""
    height, width = ink.shape
    wide = np.pad(ink, pad)
    top, right = crossings[:width], crossings[width - 1 : width + height - 1]
    bottom = crossings[width + height - 2 : 2 * width + height - 2][::-1]
    left = np.append(crossings[2 * width + height - 3 :], crossings[0])[::-1]
    wide[:pad, pad:-pad] = top
    wide[-pad:, pad:-pad] = bottom
    wide[pad:-pad, :pad] = left[:, None]
    wide[pad:-pad, -pad:] = right[:, None]
    return wide


def _outside(
    free: Bool[np.ndarray, "height width"], crossings: Bool[np.ndarray, "n"], pad: int
) -> Bool[np.ndarray, "height width"]:
    """The free pieces that are background: those at the frame, but for pockets that a cropped outline cuts off.

    Every stroke that crosses the frame on the way round leads in or out. With an odd number of crossings (lines that
    meet at the frame) every piece without a corner of the picture is inside.
    """
    _, labels = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
    pieces = np.unique(_around(labels))
    ring = _around(labels[pad:-pad, pad:-pad])
    known = ring > 0
    pockets: set[int] = set()
    if crossings.any() and known.any():
        turns = np.cumsum(crossings & ~np.roll(crossings, 1))
        background = int(np.argmax(np.bincount(ring[known])))
        flips = turns - turns[int(np.argmax(ring == background))]
        is_inside = (flips % 2 == 1) if turns[-1] % 2 == 0 else np.ones_like(known)
        corners = {int(labels[row, column]) for row in (0, -1) for column in (0, -1)}
        pockets = set(ring[known].tolist()) - set(ring[known & ~is_inside].tolist()) - corners - {background}
    outside = np.setdiff1d(pieces[pieces > 0], np.array(sorted(pockets), dtype=pieces.dtype))
    return np.isin(labels, outside)
