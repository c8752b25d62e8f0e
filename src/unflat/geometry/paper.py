"""Paper: where the sheet lies in a photo, how it looks straight on, and how it looks without shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from unflat.core.color import linear_from_srgb, luminance, srgb_from_linear
from unflat.geometry.image_edges import lab_from_srgb, reduced_size, resized

_SHEET_SIDE_PX = 400
"""Longer side of the copy on which the sheet is sought; corners are good to a fraction of its pixels."""
_STROKE_SHARE = 0.06
"""Strokes are narrower than this share of the longer side; shadows and tables are wider."""
_LEVELS, _SHEET_CONTRAST = 10, 1.15
"""Thresholds tried for four straight sides, and how much brighter such a sheet is than the rest."""
_TABLE_CONTRAST = 4.5
"""Without four sides, a table is told from a shadow by less than one part in this of the paper's light."""
_LEAST_TABLE_SHARE = 0.05
"""Such a table takes at least this share of the frame."""
_LEAST_SHEET_SHARE = 0.2
"""A sheet fills at least this share of the picture."""
_STRAIGHT = 0.94
"""A region is a quadrilateral if it overlaps the quadrilateral so far (intersection over union)."""
_LIGHT_SIDE_PX = 300
"""Longer side of the copy on which light is estimated; it varies slowly."""
_BLACK_HAT, _DARKEST_PAPER = 0.06, 0.3
"""Not paper: what is narrower than a stroke and darker by this share, and what has less than this share of the light."""
_TINT = 0.07
"""Not paper: what differs by so much in colour (each channel over brightness, as seen under the same light)."""
_LIGHT_BLUR_SHARE = 0.012
"""Light is averaged over this share of the longer side: narrow enough for a shadow's edge."""
_PAPER_LEVEL = 0.9
"""Linear light that paper gets in the flattened picture: white, with room for what is brighter."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet of paper in a picture."""

    region: Bool[np.ndarray, "h w"]
    """Pixels of the sheet, with what is drawn on it, without the table; at the size of the picture searched."""
    corners: Float32[np.ndarray, "4 2"] | None
    """Corners (x, y) in pixels, clockwise from top left; None where not all four are in the picture."""


def find_sheet(pixels: UInt8[np.ndarray, "h w 3"]) -> Sheet:
    """A bright region with four straight sides; else all but a much darker surround; else the whole picture.

    Cost: linear in pixels, on a reduced copy.
    """
    height, width = pixels.shape[:2]
    small = resized(pixels, reduced_size(height, width, _SHEET_SIDE_PX))
    light = _without_strokes(luminance(linear_from_srgb(np.ascontiguousarray(small))))
    straight = _four_sided_sheet(light)
    region, corners = straight if straight is not None else (_sheet_beside_table(light), None)
    if region is None:
        return Sheet(np.ones((height, width), dtype=bool), None)
    full = cv2.resize(region.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    if corners is not None:
        factor = np.array([width / small.shape[1], height / small.shape[0]], dtype=np.float32)
        corners = ((corners + np.float32(0.5)) * factor).astype(np.float32)
    return Sheet(full, corners)


def _without_strokes(light: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Brightness with dark strokes closed (grey closing): paper, shadows and tables remain."""
    reach = round(_STROKE_SHARE * max(light.shape) / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    # a narrow strip of table along the frame goes on beyond it
    padded = cv2.copyMakeBorder(light, *(2 * reach,) * 4, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)
    return np.asarray(closed[2 * reach : -2 * reach, 2 * reach : -2 * reach])


def _four_sided_sheet(
    light: Float32[np.ndarray, "h w"],
) -> tuple[Bool[np.ndarray, "h w"], Float32[np.ndarray, "4 2"]] | None:
    """The largest bright region with four straight sides inside the picture, over thresholds from dark to bright."""
    bright = float(np.percentile(light, 98))
    for level in np.geomspace(bright / 8, bright * 0.85, _LEVELS):
        sheet = _largest_piece(light > level)
        if sheet.mean() < _LEAST_SHEET_SHARE or sheet.all():
            continue
        corners = _corners_of(sheet)
        if corners is not None and light[sheet].mean() > _SHEET_CONTRAST * light[~sheet].mean():
            return sheet, corners
    return None


def _sheet_beside_table(light: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"] | None:
    """The largest piece without what is far too dark for a shadow; None where such hardly touches the frame."""
    sheet = _largest_piece(light > float(np.percentile(light, 90)) / _TABLE_CONTRAST)
    frame = np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]])
    if sheet.mean() < _LEAST_SHEET_SHARE or 1 - frame.mean() < _LEAST_TABLE_SHARE:
        return None
    return sheet


def _largest_piece(bright: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The largest connected piece with its enclosed holes."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=4)
    if count == 1:
        return bright
    return _without_holes(labels == 1 + int(np.argmax(stats[1:count, cv2.CC_STAT_AREA])))


def _without_holes(region: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    padded = np.pad(region, 1)
    _, labels = cv2.connectedComponents((~padded).astype(np.uint8), connectivity=4)
    return np.asarray(labels != labels[0, 0])[1:-1, 1:-1]


def _corners_of(region: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "4 2"] | None:
    """The quadrilateral that the region is, clockwise from top left; None where it is none or leaves the picture."""
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    for share in (0.01, 0.02, 0.03, 0.05, 0.08):
        polygon = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)[:, 0, :]
        if len(polygon) <= 4:
            break
    if len(polygon) != 4:
        return None
    filled = np.zeros(region.shape, dtype=np.uint8)
    cv2.fillConvexPoly(filled, polygon.astype(np.int32), 1)
    overlap = (region & (filled > 0)).sum() / (region | (filled > 0)).sum()
    limit = np.array(region.shape[::-1]) - 2
    if overlap < _STRAIGHT or (polygon < 1).any() or (polygon > limit).any():
        return None
    return _clockwise(_refined(hull[:, 0, :].astype(np.float64), polygon.astype(np.float64)))


def _refined(outline: Float64[np.ndarray, "n 2"], polygon: Float64[np.ndarray, "4 2"]) -> Float64[np.ndarray, "4 2"]:
    """Corners where lines fitted to the outline between the polygon's corners meet."""
    lines = []
    dense = _densified(outline)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
        normal = np.array([-along[1], along[0]])
        place = (dense - start) @ along / max(float(np.linalg.norm(end - start)), 1e-9)
        near = (np.abs((dense - start) @ normal) < 4.0) & (place > 0.1) & (place < 0.9)
        if near.sum() < 8:
            return polygon
        vx, vy, x, y = cv2.fitLine(dense[near].astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
        lines.append((vy, -vx, vy * x - vx * y))
    corners = []
    for (a, b, c), (d, e, f) in zip([lines[-1], *lines[:-1]], lines, strict=True):
        matrix = np.array([[a, b], [d, e]], dtype=np.float64)
        if abs(np.linalg.det(matrix)) < 0.1:
            return polygon
        corners.append(np.linalg.solve(matrix, np.array([c, f], dtype=np.float64)))
    return np.stack(corners)


def _densified(outline: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "m 2"]:
    """Points about one pixel apart along a closed polygon."""
    ends = np.roll(outline, -1, axis=0)
    pieces = []
    for start, end in zip(outline, ends, strict=True):
        steps = np.linspace(0, 1, max(2, int(np.linalg.norm(end - start)) + 1))[:-1, None]
        pieces.append(start + steps * (end - start))
    return np.concatenate(pieces)


def _clockwise(corners: Float64[np.ndarray, "4 2"]) -> Float32[np.ndarray, "4 2"]:
    """Sorted by angle about the middle, as seen with v down, from the corner nearest the picture's top left."""
    around = corners - corners.mean(axis=0)
    ordered = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    first = int(np.argmin(ordered.sum(axis=1)))
    return np.roll(ordered, -first, axis=0).astype(np.float32)


def rectified(
    pixels: UInt8[np.ndarray, "h w 3"], corners: Float32[np.ndarray, "4 2"], side_px: int
) -> UInt8[np.ndarray, "height width 3"]:
    """The quadrilateral seen straight on, its longer side at most `side_px`; sides as long as opposite ones' mean.

    Corners are pixel coordinates (x, y; centre of the first pixel 0.5, 0.5), clockwise from top left.
    """
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    across, down = float(lengths[0] + lengths[2]) / 2, float(lengths[1] + lengths[3]) / 2
    height, width = reduced_size(max(8, round(down)), max(8, round(across)), side_px)
    shrink = max(1.0, max(across, down) / max(height, width))
    if shrink >= 2.0:  # an area average first, or the warp would skip pixels
        half = reduced_size(*pixels.shape[:2], round(max(pixels.shape[:2]) / shrink))
        corners = corners * np.array([half[1] / pixels.shape[1], half[0] / pixels.shape[0]], dtype=np.float32)
        pixels = resized(pixels, half)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    half_pixel = np.float32(0.5)
    matrix = cv2.getPerspectiveTransform((corners - half_pixel).astype(np.float32), target - half_pixel)
    return np.asarray(cv2.warpPerspective(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))


def flattened(
    pixels: UInt8[np.ndarray, "h w 3"], region: Bool[np.ndarray, "h w"]
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "hs ws 3"]]:
    """The picture as under even white light on white paper, and the light found (linear, on a small copy).

    Light is the paper's own colour, averaged nearby where there is only paper and carried over what is drawn; dividing
    by it removes shadows and the paper's tint. Outside the region all is white. Cost: linear in pixels.
    """
    small_size = reduced_size(*region.shape, _LIGHT_SIDE_PX)
    small = linear_from_srgb(np.ascontiguousarray(resized(pixels, small_size)))
    inside = resized(region.astype(np.float32), small_size) > 0.99
    light = _light_of_paper(small, inside if inside.any() else np.ones(small_size, dtype=bool))
    gain = np.float32(_PAPER_LEVEL) / np.maximum(light, np.float32(1e-3))
    even = linear_from_srgb(pixels) * resized(gain, region.shape)
    return np.where(region[..., None], srgb_from_linear(even), np.uint8(243)).astype(np.uint8), light


def _light_of_paper(
    linear: Float32[np.ndarray, "h w 3"], inside: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w 3"]:
    """Paper's colour everywhere; twice, since the first light shows better what is not paper."""
    brightness = luminance(linear)
    closed = _without_strokes(np.where(inside, brightness, np.float32(0)))
    thin = closed - brightness > _BLACK_HAT * closed
    dark = brightness < _DARKEST_PAPER * float(np.percentile(brightness[inside], 90))
    tint = linear / np.maximum(brightness, np.float32(1e-3))[..., None]
    plain = inside & ~thin & ~dark
    common = _commonest_tint(tint[plain]) if plain.any() else np.ones(3, dtype=np.float32)
    paper = plain & (np.abs(tint - common).max(axis=2) < 2 * _TINT)
    for _ in range(2):
        if not paper.any():
            return np.ones_like(linear)
        light = _spread(linear, cv2.erode(paper.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
        share = linear / np.maximum(light, np.float32(1e-3))
        off_tint = np.abs(share / np.maximum(luminance(share), np.float32(1e-3))[..., None] - 1).max(axis=2) > _TINT
        paper = inside & ~off_tint & ~thin & (luminance(share) > 1 - 2 * _BLACK_HAT)
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
    """Known colours averaged nearby; where none is near, from ever wider (normalised convolution, Knutsson 1993)."""
    weight = known.astype(np.float32)
    total = np.zeros_like(colors)
    seen = np.zeros(known.shape, dtype=np.float32)
    sigma = max(1.0, _LIGHT_BLUR_SHARE * max(known.shape))
    while True:
        mass = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        blurred = cv2.GaussianBlur(colors * weight[..., None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        share = np.clip(mass * 4, 0, 1) * (1 - seen)
        total += blurred / np.maximum(mass, np.float32(1e-6))[..., None] * share[..., None]
        seen += share
        if seen.min() > 0.99 or sigma > max(known.shape):
            average = colors[known].mean(axis=0)
            return np.asarray(total + (1 - seen)[..., None] * average, dtype=np.float32)
        sigma *= 2


def distance_from_white(pixels: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """How far each pixel of a flattened picture is from its paper, in Lab units; brighter than paper counts as paper."""
    lab = lab_from_srgb(pixels)
    white = lab_from_srgb(np.full((1, 1, 3), 243, dtype=np.uint8))[0, 0]
    step = lab - white
    step[..., 0] = np.minimum(step[..., 0], 0)
    return np.asarray(np.linalg.norm(step, axis=2), dtype=np.float32)
