"""A measured depth grid made whole: holes filled, specks removed, noise and number steps smoothed, edges kept.

All on nearness (`unflat.geometry.nearness`), NaN where unknown, so that planes stay planes.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float64
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from unflat.geometry.occlusion_edges import Cuts, joined, label_parts

_DIFFUSION_STEP = 0.2
"""Share of the second difference taken at a time along each axis; stable below 0.25."""
_LARGEST_BLUR_SAMPLES = 8.0
"""Widest blur that levels the terraces of a coarsely numbered depth map."""
_SLOPE_PRIOR = 1e-3
"""Added to the variance of positions (about 1): where there is only a point, the slope is 0."""
_MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
_BRIDGE_OVER_SLOPE = 2.0
"""A filled hole that rises this much more than its border's slope would is an occlusion shadow, not a missing patch."""


def thin_or_small(region: Bool[np.ndarray, "h w"], width: float) -> Bool[np.ndarray, "h w"]:
    """The connected pieces of the region that are nowhere wider than `width` samples."""
    labels, count = ndimage.label(region)
    padded = np.pad(region, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    widest = 2 * np.asarray(ndimage.maximum(depth, labels, np.arange(count + 1))) - 1
    return region & (widest <= width)[labels]


def specks(inside: Bool[np.ndarray, "h w"], cuts: Cuts, width: float) -> Bool[np.ndarray, "h w"]:
    """Samples on surfaces that cuts leave nowhere wider than `width` samples. The largest surface is never a speck."""
    parts, count = label_parts(inside, cuts)
    edge = _touches_another_part(parts)
    depth = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    index = np.arange(count)
    widest = 2 * np.asarray(ndimage.maximum(depth, parts, index)) + 1
    small = widest <= width
    if count:
        small[np.argmax(np.bincount(parts[inside], minlength=count))] = False
    return inside & np.append(small, False)[parts]


def filled(
    nearness: Float64[np.ndarray, "h w"], holes: Bool[np.ndarray, "h w"], tolerance: float
) -> Float64[np.ndarray, "h w"]:
    """The grid with the holes filled by a membrane (Laplace's equation) over the known samples around them.

    A hole across an occlusion edge, where the membrane would rise by more than `tolerance` and the border's slope
    explain, is the shadow of the nearer surface: it is filled from the farther one alone. A hole without a known
    neighbour stays NaN.
    """
    membrane = _membrane(nearness, holes, np.isfinite(nearness) & ~holes)
    shadow = _shadows(membrane, holes, tolerance)
    if not shadow.any():
        return membrane
    far_border = np.isfinite(nearness) & ~holes & ~_near_border(nearness, holes, shadow)
    return _membrane(membrane, shadow, far_border | (np.isfinite(membrane) & ~shadow & holes))


def noise_of(nearness: Float64[np.ndarray, "h w"], inside: Bool[np.ndarray, "h w"], cuts: Cuts) -> float:
    """Standard deviation of the samples' noise, from second differences within surfaces (Immerkær 1996, per axis)."""
    right, down = joined(inside, cuts)
    bends = np.concatenate(
        [np.diff(nearness, 2, axis=1)[right[:, :-1] & right[:, 1:]], np.diff(nearness, 2, axis=0)[down[:-1] & down[1:]]]
    )
    return 0.0 if len(bends) == 0 else float(_MAD_TO_SIGMA * np.median(np.abs(bends)) / np.sqrt(6))


def smoothed(
    nearness: Float64[np.ndarray, "h w"],
    inside: Bool[np.ndarray, "h w"],
    cuts: Cuts,
    bound: Float64[np.ndarray, "h w"],
    steps: int,
) -> Float64[np.ndarray, "h w"]:
    """Diffusion within surfaces, never across a cut, and never further than `bound` from what was measured."""
    right, down = joined(inside, cuts)
    along, across = right[:, :-1] & right[:, 1:], down[:-1] & down[1:]
    lowest, highest = nearness - bound, nearness + bound
    values = nearness.copy()
    for _ in range(steps):
        change = np.zeros_like(values)
        change[:, 1:-1] = np.where(along, np.diff(values, 2, axis=1), 0.0)
        change[1:-1] += np.where(across, np.diff(values, 2, axis=0), 0.0)
        values = np.clip(values + _DIFFUSION_STEP * change, lowest, highest)
    return values


def without_terraces(
    nearness: Float64[np.ndarray, "h w"], inside: Bool[np.ndarray, "h w"], half_step: Float64[np.ndarray, "h w"]
) -> Float64[np.ndarray, "h w"]:
    """Terraces of a map with few number levels levelled: the smoothest surface within half a level of the given one."""
    values, sigma = nearness, _LARGEST_BLUR_SAMPLES
    while sigma >= 1:
        values = np.clip(_local_shape(values, inside, sigma), nearness - half_step, nearness + half_step)
        sigma /= 2
    return np.where(inside, values, nearness)


def _local_shape(values: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """A blur that keeps slopes up to the outline and, nearly, curvature.

    At each sample the plane that fits its Gaussian surroundings best (Cleveland 1979), and the same again of what that
    left over (Tukey's twicing, 1977).
    """

    def blur(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_ISOLATED | cv2.BORDER_CONSTANT)

    weight = inside.astype(np.float64)
    y, x = (axis / sigma for axis in np.mgrid[0 : values.shape[0], 0 : values.shape[1]].astype(np.float64))
    total = np.maximum(blur(weight), 1e-9)
    mean_x, mean_y = blur(weight * x) / total, blur(weight * y) / total
    xx = blur(weight * x * x) / total - mean_x * mean_x + _SLOPE_PRIOR
    yy = blur(weight * y * y) / total - mean_y * mean_y + _SLOPE_PRIOR
    xy = blur(weight * x * y) / total - mean_x * mean_y
    determinant = xx * yy - xy * xy

    def plane(value: np.ndarray) -> np.ndarray:
        value = np.where(inside, value, 0.0)
        mean = blur(value) / total
        xv, yv = blur(value * x) / total - mean * mean_x, blur(value * y) / total - mean * mean_y
        slope_x, slope_y = (yy * xv - xy * yv) / determinant, (xx * yv - xy * xv) / determinant
        return mean + slope_x * (x - mean_x) + slope_y * (y - mean_y)

    first = plane(values)
    return first + plane(values - first)


def _touches_another_part(parts: np.ndarray) -> np.ndarray:
    """Outside, and samples one step from another part."""
    padded = np.pad(parts, 1, mode="edge")
    centre = padded[1:-1, 1:-1]
    neighbours = (padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1])
    return (centre < 0) | np.any([centre != neighbour for neighbour in neighbours], axis=0)


def _membrane(nearness: np.ndarray, holes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Laplace's equation on the holes, fixed at known neighbours, free at all others. Holes without any stay NaN."""
    labels, _ = ndimage.label(holes)
    reached = np.unique(labels[holes & ndimage.binary_dilation(known)])
    unknown = holes & np.isin(labels, reached)
    values = np.where(holes, np.nan, nearness)
    if not unknown.any():
        return values
    number = np.where(unknown, np.cumsum(unknown).reshape(unknown.shape) - 1, -1)
    count = int(unknown.sum())
    diagonal, right_side = np.zeros(count), np.zeros(count)
    rows, columns = [], []
    height, width = holes.shape
    for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        here = (slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right)))
        there = (slice(max(0, down), height - max(0, -down)), slice(max(0, right), width - max(0, -right)))
        fixed = unknown[here] & known[there]
        both = unknown[here] & unknown[there]
        np.add.at(right_side, number[here][fixed], nearness[there][fixed])
        np.add.at(diagonal, number[here][fixed | both], 1.0)
        rows.append(number[here][both])
        columns.append(number[there][both])
    row, column = np.concatenate(rows), np.concatenate(columns)
    matrix = coo_matrix(
        (np.r_[-np.ones(len(row)), diagonal], (np.r_[row, np.arange(count)], np.r_[column, np.arange(count)]))
    )
    values[unknown] = np.atleast_1d(spsolve(matrix.tocsc(), right_side))
    return values


def _shadows(membrane: np.ndarray, holes: np.ndarray, tolerance: float) -> np.ndarray:
    """The holes across which the membrane rises more than its border's own slope would make it."""
    labels, count = ndimage.label(holes)
    if count == 0:
        return holes
    index = np.arange(count + 1)
    beside = ~holes & np.isfinite(membrane)
    ring = ndimage.grey_dilation(labels, footprint=ndimage.generate_binary_structure(2, 1)) * beside
    outer = ndimage.grey_dilation(labels, size=(5, 5)) * beside
    rise = ndimage.maximum(membrane, ring, index) - ndimage.minimum(membrane, ring, index)
    steps = np.fmax(_steps(membrane, holes, axis=0), _steps(membrane, holes, axis=1))
    slope = np.nan_to_num([np.nanpercentile(part, 75) if len(part) else 0.0 for part in _by_label(steps, outer, count)])
    boxes = [max(box[0].stop - box[0].start, box[1].stop - box[1].start) for box in ndimage.find_objects(labels)]
    allowed = tolerance + _BRIDGE_OVER_SLOPE * slope * (np.array([0, *boxes]) + 1)
    return holes & (rise > allowed)[labels]


def _by_label(values: np.ndarray, labels: np.ndarray, count: int) -> list[np.ndarray]:
    """Finite values of each label 0..count (that of 0 is empty)."""
    use = (labels > 0) & np.isfinite(values)
    order = np.argsort(labels[use], kind="stable")
    bounds = np.cumsum(np.bincount(labels[use], minlength=count + 1))[:-1]
    return np.split(values[use][order], bounds)


def _steps(values: np.ndarray, holes: np.ndarray, axis: int) -> np.ndarray:
    step = np.abs(np.diff(np.where(holes, np.nan, values), axis=axis))
    pad = [(0, 0), (0, 0)]
    pad[axis] = (0, 1)
    return np.pad(step, pad, constant_values=np.nan)


def _near_border(nearness: np.ndarray, holes: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """Known samples beside each shadow that are nearer than the middle between its border's extremes."""
    labels, count = ndimage.label(holes)
    ring = ndimage.grey_dilation(labels * shadow, footprint=ndimage.generate_binary_structure(2, 1)) * ~holes
    ring[~np.isfinite(nearness)] = 0
    index = np.arange(count + 1)
    middle = (ndimage.maximum(nearness, ring, index) + ndimage.minimum(nearness, ring, index)) / 2
    return (ring > 0) & (nearness > np.asarray(middle)[ring])
