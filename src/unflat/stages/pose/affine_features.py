"""Features that are found again from far to the side: SIFT on simulated tilts (ASIFT, Morel and Yu 2009).

Plain SIFT loses a surface that turns by 30 to 40 degrees; a photo set of eight steps around an object turns by 45. Here
each picture is also looked at as if the camera had been tilted, and all that is found goes back to the picture's own
pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from scipy.spatial import cKDTree
from scipy.special import gammaln

_SIDE_PX = 800
"""Pictures are looked at no larger than this: places come out to half a pixel, matches in a quarter of the time."""
_TILTS = (2.0**0.5, 2.0)
"""Simulated tilts 1/cos of 45 and 60 degrees; with both pictures tilted, up to 75 degrees between them."""
_TURN_DEG = 72.0
"""Steps of the turn before a tilt t are this over t (Morel and Yu 2009, section 4.3)."""
_BLUR = 0.8
"""Width of the blur before subsampling by t: 0.8 sqrt(t^2 - 1) (same section)."""
_MOST = 6000
_CONTRAST = 0.02
_BORDER_PX = 6.0
_SAME_PLACE_PX = 12.0
"""In the full picture: features this near are the same one, seen in several simulations."""
_NEIGHBOURS = 16
_POINTS = 7
"""They fix a fundamental matrix."""
_RATIO = 0.8
"""Lowe (2004), section 7.1; the second best is the best one at another place."""


@dataclass(frozen=True, eq=False)
class AffineFeatures:
    """Where, strongest first, and what it looks like there."""

    points: Float32[np.ndarray, "n 2"]
    """Pixels of the full picture, centre of the first pixel (0.5, 0.5)."""
    descriptors: Float32[np.ndarray, "n 128"]
    """Unit length (RootSIFT, Arandjelovic and Zisserman 2012)."""


def affine_features(picture: UInt8[np.ndarray, "h w"], mask: UInt8[np.ndarray, "h w"] | None = None) -> AffineFeatures:
    """At most 6000 features of the picture and its simulated tilts; none where the mask is black.

    About a second and a half for a picture of 800 pixels.
    """
    share = min(_SIDE_PX / max(picture.shape), 1.0)
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    sift = cv2.SIFT.create(0, contrastThreshold=_CONTRAST)
    points, descriptors, strength = [], [], []
    for view, to_small in _tilted(np.asarray(small)):
        found, described = sift.detectAndCompute(view, None)
        if len(found) == 0:
            continue
        places = np.array([feature.pt for feature in found]) + 0.5
        points.append(np.column_stack([places, np.ones(len(places))]) @ to_small.T)
        descriptors.append(described)
        strength.append(np.array([feature.response for feature in found]))
    if not points:
        return AffineFeatures(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    place, described = np.vstack(points), np.vstack(descriptors)
    keep = _inside(place, small.shape[1], small.shape[0])
    place = place / [small.shape[1] / picture.shape[1], small.shape[0] / picture.shape[0]]
    if mask is not None:
        keep[keep] &= mask[tuple(place[keep].astype(np.int64).T[::-1])] > 0
    order = np.argsort(-np.where(keep, np.concatenate(strength), -np.inf), kind="stable")[: min(_MOST, int(keep.sum()))]
    described = described[order] / np.maximum(described[order].sum(axis=1, keepdims=True), 1e-9)
    return AffineFeatures(place[order].astype(np.float32), np.sqrt(described).astype(np.float32))


def affine_matches(first: AffineFeatures, second: AffineFeatures) -> Int64[np.ndarray, "m 2"]:
    """Indices of features that are each other's nearest, clearly nearer than any at another place; one for each place.

    Half a second for 6000 features each.
    """
    if min(len(first.points), len(second.points)) < 2:
        return np.zeros((0, 2), np.int64)
    alike = first.descriptors @ second.descriptors.T
    nearest = alike.argmax(axis=1)
    mutual = np.flatnonzero(alike.argmax(axis=0)[nearest] == np.arange(len(nearest)))
    nearest = nearest[mutual]
    rows = alike[mutual]
    number = np.arange(len(mutual))
    best = rows[number, nearest]
    rows[number[:, None], _at_same_place(second.points)[nearest]] = -1
    others = rows.max(axis=1)
    clear = np.sqrt(np.maximum(1 - best, 0)) < _RATIO * np.sqrt(np.maximum(1 - others, 0))
    pairs = np.column_stack([mutual, nearest])[clear]
    pairs = pairs[np.argsort(-(best - others)[clear], kind="stable")]
    pairs = pairs[_first_of_each(first.points[pairs[:, 0]])]
    return pairs[_first_of_each(second.points[pairs[:, 1]])].astype(np.int64)


def log10_false_alarms(matches: int, inliers: int, size_px: tuple[int, int], error_px: float) -> float:
    """Logarithm of how many epipolar geometries as good as this one chance would find among so many matches.

    Below -2 the pair is no accident. The a-contrario criterion of Moisan and Stival (2004), equation 13, for seven
    points; the chance that a match agrees is the area within `error_px` of a line across the picture.
    """
    if inliers <= _POINTS:
        return np.inf
    width, height = size_px
    chance = np.log10(2 * np.hypot(width, height) * error_px / (width * height))
    combinations = _log10_choose(matches, inliers) + _log10_choose(inliers, _POINTS)
    return float(np.log10(matches - _POINTS) + combinations + (inliers - _POINTS) * chance)


def _tilted(picture: UInt8[np.ndarray, "h w"]) -> Iterator[tuple[UInt8[np.ndarray, "g u"], Float64[np.ndarray, "2 3"]]]:
    """The picture itself and its tilts, each with the affine map back to the picture (pixel centres at +0.5)."""
    yield picture, np.eye(2, 3)
    height, width = picture.shape
    for tilt in _TILTS:
        for angle in np.radians(np.arange(0.0, 180.0, _TURN_DEG / tilt)):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ turn.T
            low = corners.min(axis=0)
            size = np.ceil(corners.max(axis=0) - low).astype(int)
            # OpenCV's maps know pixel centres at whole numbers
            shift = turn @ [0.5, 0.5] - low - 0.5
            turned = cv2.warpAffine(picture, np.column_stack([turn, shift]), (int(size[0]), int(size[1])),
                                    flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
            turned = cv2.GaussianBlur(turned, (0, 0), sigmaX=_BLUR * np.sqrt(tilt**2 - 1), sigmaY=0.01)
            narrow = max(int(size[0] / tilt), 1)
            view = cv2.resize(turned, (narrow, int(size[1])), interpolation=cv2.INTER_LINEAR)
            there = np.diag([narrow / size[0], 1.0]) @ np.column_stack([turn, -low])
            yield np.asarray(view), np.asarray(cv2.invertAffineTransform(there))


def _inside(places: Float64[np.ndarray, "n 2"], width: int, height: int) -> Bool[np.ndarray, "n"]:
    """Well inside the picture: what lies outside was repeated from its border."""
    return np.asarray(((places > _BORDER_PX) & (places < np.array([width, height]) - _BORDER_PX)).all(axis=1))


def _at_same_place(points: Float32[np.ndarray, "n 2"]) -> Int64[np.ndarray, "n k"]:
    """For each feature those at its place; itself where there are fewer."""
    count = min(_NEIGHBOURS, len(points))
    near = cKDTree(points).query(points, k=range(1, count + 1), distance_upper_bound=_SAME_PLACE_PX)[1]
    return np.where(near == len(points), np.arange(len(points))[:, None], near)


def _first_of_each(points: Float32[np.ndarray, "n 2"]) -> Int64[np.ndarray, "m"]:
    """The first index at every place, in order."""
    cells = np.floor(points / _SAME_PLACE_PX).astype(np.int64)
    return np.sort(np.unique(cells, axis=0, return_index=True)[1])


def _log10_choose(count: int, chosen: int) -> float:
    return float((gammaln(count + 1) - gammaln(chosen + 1) - gammaln(count - chosen + 1)) / np.log(10))
