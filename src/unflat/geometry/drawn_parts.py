"""Drawn parts: inner strokes that cut a limb out of a body, as in Monster Mash (Dvorožňák et al. 2020).

A stroke that merely decorates (an eye, a mouth, a button) touches the outline nowhere, and splits nothing.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt8
from skimage.morphology import skeletonize

from unflat.geometry.ink import stroke_width_px
from unflat.geometry.masks import without_specks

_MAX_GAP_SHARE = 0.30
"""Two open ends of strokes nearer than this part of the body's size are joined: the root of a limb."""

_MAX_LOOSE_SHARE = 0.15
"""The loose end of a line that starts at the outline is brought back to it from as far as this."""

_MIN_PART_SHARE, _MAX_PART_SHARE = 0.01, 0.35
"""A part's area, in parts of the body's: less is noise, more is the body."""

_MIN_OUTLINE_SHARE = 0.25
"""Share of a part's rim that is the body's own outline: a limb sticks out, an eye does not."""

_MAX_ROOT_WIDTHS = 6.0
"""A root longer than this many half widths of its part is no root: the piece is a slice of the body."""

_LINE_PX = 3

_OUTLINE_STROKES = 1.5
"""Ink nearer to the body's rim than this many stroke widths is the outline itself."""

_SHORTEST_STROKES = 3.0
"""Inner lines shorter than this many stroke widths are dots."""


def drawn_parts(solid: Bool[np.ndarray, "h w"], ink: Bool[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """Which part each pixel of the body belongs to: 0 outside, 1 the main body, 2 and up its limbs.

    `ink` is all strokes; those along the outline are ignored. Ends of inner strokes that face each other are joined.
    Linear in pixels; meant for a grid of a few hundred.
    """
    labels = solid.astype(np.int32)
    lines = _inner_lines(solid, ink)
    if not lines.any():
        return labels
    closed = _with_roots_closed(solid, lines, 2 * _OUTLINE_STROKES * stroke_width_px(ink))
    barrier = cv2.dilate(closed.astype(np.uint8), np.ones((_LINE_PX, _LINE_PX), np.uint8)) > 0
    count, pieces, facts, _ = cv2.connectedComponentsWithStats((solid & ~barrier).astype(np.uint8), connectivity=4)
    outline = _outline(solid)
    main = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    pieces_apart = np.zeros_like(solid)
    for piece in range(1, count):
        share = facts[piece, cv2.CC_STAT_AREA] / solid.sum()
        if piece != main and _MIN_PART_SHARE < share < _MAX_PART_SHARE:
            reach = np.ones((_LINE_PX + 2, _LINE_PX + 2), np.uint8)
            pieces_apart |= cv2.dilate((pieces == piece).astype(np.uint8), reach) > 0
    # Pieces that touch are one limb: stripes on a sleeve do not make it a string of sausages.
    groups, numbered = cv2.connectedComponents((pieces_apart & solid).astype(np.uint8), connectivity=8)
    number = 1
    for group in range(1, groups):
        if _is_limb(numbered == group, outline):
            number += 1
            labels[numbered == group] = number
    return labels


def _is_limb(region: Bool[np.ndarray, "h w"], outline: Bool[np.ndarray, "h w"]) -> bool:
    """Whether a piece sticks out: much of its rim is the body's outline, and its root is short for its width."""
    rim, own = int(_outline(region).sum()), int((region & outline).sum())
    half_width = float(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5).max())
    return own > _MIN_OUTLINE_SHARE * rim and rim - own < _MAX_ROOT_WIDTHS * half_width


def _outline(solid: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    return solid & ~(cv2.erode(solid.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0)


def _inner_lines(solid: Bool[np.ndarray, "h w"], ink: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Centre lines of the strokes inside the body, as far as they are not its outline."""
    lines = skeletonize(ink & solid)
    width = stroke_width_px(ink)
    depth = cv2.distanceTransform(np.pad(solid, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inner = lines & (depth > _OUTLINE_STROKES * width)
    return without_specks(inner, max(int(_SHORTEST_STROKES * width), 4))


def _with_roots_closed(
    solid: Bool[np.ndarray, "h w"], lines: Bool[np.ndarray, "h w"], reach: float
) -> Bool[np.ndarray, "h w"]:
    """The lines, each end brought to the outline if that is near, else to the nearest facing end.

    A line that starts at the outline may be farther from it at its other end: it set out to cut something off.
    """
    closed = lines.astype(np.uint8)
    ends = _line_ends(lines)
    outline = np.argwhere(_outline(solid))
    _, strokes = cv2.connectedComponents(closed, connectivity=8)
    stroke_of = strokes[tuple(ends.T)]
    near = [np.linalg.norm(outline - end, axis=1) for end in ends]
    anchored = {int(stroke) for stroke, distance in zip(stroke_of, near, strict=True) if distance.min() <= reach}
    far = _MAX_LOOSE_SHARE * float(np.sqrt(solid.sum()))
    left_over = []
    for end, stroke, distance in zip(ends, stroke_of, near, strict=True):
        if distance.min() <= (max(reach, far) if int(stroke) in anchored else reach):
            _draw(closed, end, outline[distance.argmin()])
        else:
            left_over.append(end)
    longest = _MAX_GAP_SHARE * float(np.sqrt(solid.sum()))
    free = np.array(left_over).reshape(-1, 2)
    between = np.linalg.norm(free[:, None] - free[None], axis=2) + np.where(np.eye(len(free)) > 0, np.inf, 0)
    while between.size and between.min() <= longest:
        first, second = np.unravel_index(between.argmin(), between.shape)
        _draw(closed, free[first], free[second])
        between[[first, second]], between[:, [first, second]] = np.inf, np.inf
    return closed > 0


def _line_ends(lines: Bool[np.ndarray, "h w"]) -> Int64[np.ndarray, "n 2"]:
    """Rows and columns of line pixels with a single neighbour."""
    neighbors = cv2.filter2D(lines.astype(np.uint8), -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    return np.argwhere(lines & (neighbors == 2))


def _draw(picture: UInt8[np.ndarray, "h w"], start: Int64[np.ndarray, "2"], end: Int64[np.ndarray, "2"]) -> None:
    """A line into a picture that is this module's own."""
    cv2.line(picture, (int(start[1]), int(start[0])), (int(end[1]), int(end[0])), 1)
