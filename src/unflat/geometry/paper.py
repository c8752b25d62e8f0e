"""Paper: where the sheet lies in a photo, and how it looks straight on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8

from unflat.core.color import linear_from_srgb, luminance
from unflat.geometry.image_edges import reduced_size, resized
from unflat.geometry.paper_light import without_strokes

_SHEET_SIDE_PX = 400
"""Longer side of the copy on which the sheet is sought; corners are good to a fraction of its pixels."""
_LEVELS, _SHEET_CONTRAST = 10, 1.15
"""Thresholds tried for four straight sides, and how much brighter such a sheet is than the rest."""
_TABLE_CONTRAST = 4.5
"""Without four sides, a table is told from a shadow by less than one part in this of the paper's light."""
_EDGE_PX, _TABLE_STEP = 4, 3.2
"""And by a step of so much within so few pixels of the reduced copy."""
_LEAST_TABLE_SHARE = 0.05
"""Such a table takes at least this share of the frame."""
_LEAST_SHEET_SHARE = 0.2
"""A sheet fills at least this share of the picture."""
_STRAIGHT = 0.94
"""A region is a quadrilateral if it overlaps the quadrilateral so far (intersection over union)."""


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
    light = without_strokes(luminance(linear_from_srgb(np.ascontiguousarray(small))))
    straight = _four_sided_sheet(light)
    region, corners = straight if straight is not None else (_sheet_beside_table(light), None)
    if region is None:
        return Sheet(np.ones((height, width), dtype=bool), None)
    full = cv2.resize(region.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    if corners is not None:
        factor = np.array([width / small.shape[1], height / small.shape[0]], dtype=np.float32)
        corners = ((corners + np.float32(0.5)) * factor).astype(np.float32)
    return Sheet(full, corners)


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
    """The largest piece without what is suddenly far darker; None where such hardly touches the frame.

    A shadow is either less dark or, under a lamp, fades.
    """
    sheet = _largest_piece(light > float(np.percentile(light, 90)) / _TABLE_CONTRAST)
    frame = np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]])
    if sheet.mean() < _LEAST_SHEET_SHARE or 1 - frame.mean() < _LEAST_TABLE_SHARE:
        return None
    near = np.ones((2 * _EDGE_PX + 1,) * 2, np.uint8)
    edge = sheet & (cv2.erode(sheet.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    step = cv2.dilate(light, near)[edge] / np.maximum(cv2.erode(light, near)[edge], np.float32(1e-3))
    return sheet if float(np.median(step)) > _TABLE_STEP else None


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
        half = reduced_size(pixels.shape[0], pixels.shape[1], round(max(pixels.shape[:2]) / shrink))
        corners = corners * np.array([half[1] / pixels.shape[1], half[0] / pixels.shape[0]], dtype=np.float32)
        pixels = resized(pixels, half)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    half_pixel = np.float32(0.5)
    matrix = cv2.getPerspectiveTransform((corners - half_pixel).astype(np.float32), target - half_pixel)
    return np.asarray(cv2.warpPerspective(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
