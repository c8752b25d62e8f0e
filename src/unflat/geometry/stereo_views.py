"""Which pictures help each other in stereo, and between which depths to look: both from the points they share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from unflat.core import Camera, Tracks
from unflat.geometry.cameras import project

_BEST_ANGLE_DEG = 9.0
"""Angle between two rays to a point at which stereo is surest (Goesele et al. 2007; MVSNet, Yao et al. 2018)."""
_NARROWER_DEG, _WIDER_DEG = 4.0, 12.0
"""How fast a pair's worth falls below and above that angle."""
_LEAST_SHARED = 12
"""Points that two pictures must share to be tried as a pair."""
_PAIRS_AT_ONCE = 1 << 20
_DEPTH_PERCENTILES = (1.0, 99.0)
_DEPTH_MARGIN = 1.35
"""The range of depths that is searched goes so much beyond that of the points."""


@dataclass(frozen=True)
class StereoView:
    """A picture's partners, best first, and the inverse depths between which its surfaces lie."""

    sources: tuple[int, ...]
    least_inverse: float
    largest_inverse: float


def stereo_views(cameras: tuple[Camera, ...], tracks: Tracks, most: int) -> dict[int, StereoView]:
    """For every picture that has partners: up to `most` of them, scored by shared points at useful angles.

    Linear in observations and in pairs that share points.
    """
    shared = _pair_scores(cameras, tracks)
    views: dict[int, StereoView] = {}
    for index, camera in enumerate(cameras):
        scores = shared.get(index, {})
        ordered = tuple(sorted(scores, key=lambda other: -scores[other])[:most])
        if not ordered:
            continue
        _, depth = project(camera, tracks.points[tracks.seen_by(index)].astype(np.float64))
        near, far = np.percentile(depth[depth > 0], _DEPTH_PERCENTILES)
        views[index] = StereoView(ordered, float(1 / (far * _DEPTH_MARGIN)), float(_DEPTH_MARGIN / near))
    return views


def _pair_scores(cameras: tuple[Camera, ...], tracks: Tracks) -> dict[int, dict[int, float]]:
    """Sum over the points that two pictures share of how good the angle between their rays is."""
    centers, count = np.stack([camera.center for camera in cameras]), len(cameras)
    order = np.argsort(tracks.point_idx, kind="stable")
    point, view = tracks.point_idx[order], tracks.view_idx[order]
    sums, shared = np.zeros(count * count), np.zeros(count * count, np.int64)
    for first, second in _pairs_of_runs(point):
        a, b, p = view[first].astype(np.int64), view[second], point[first]
        weight = _angle_weight(centers[a], centers[b], tracks.points[p].astype(np.float64))
        sums += np.bincount(a * count + b, weight, count * count)
        shared += np.bincount(a * count + b, minlength=count * count)
    scores: dict[int, dict[int, float]] = {}
    for pair in np.flatnonzero(shared >= _LEAST_SHARED).tolist():
        left, right = divmod(pair, count)
        if left != right:
            scores.setdefault(left, {})[right] = scores.setdefault(right, {})[left] = float(sums[pair])
    return scores


def _pairs_of_runs(
    values: Int32[np.ndarray, "m"],
) -> Iterator[tuple[Int64[np.ndarray, "k"], Int64[np.ndarray, "k"]]]:
    """All pairs of places within runs of equal values, about a million at a time: hundreds of photos share more than
    fit into memory. Runs beyond 60 places give the first 60."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    lengths = np.minimum(np.diff(np.append(starts, len(values))), 60)
    for length in np.unique(lengths):
        i, j = np.triu_indices(int(length), 1)
        alike = starts[lengths == length][:, None]
        step = max(_PAIRS_AT_ONCE // max(len(i), 1), 1)
        for begin in range(0, len(alike) if len(i) else 0, step):
            run = alike[begin : begin + step]
            yield (run + i).ravel(), (run + j).ravel()


def _angle_weight(
    a: Float64[np.ndarray, "k 3"], b: Float64[np.ndarray, "k 3"], point: Float64[np.ndarray, "k 3"]
) -> Float64[np.ndarray, "k"]:
    left, right = a - point, b - point
    cosine = np.einsum("ki,ki->k", left, right) / (np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1) + 1e-20)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    spread = np.where(angle < _BEST_ANGLE_DEG, _NARROWER_DEG, _WIDER_DEG)
    return np.asarray(np.exp(-0.5 * ((angle - _BEST_ANGLE_DEG) / spread) ** 2))


def nearest_points_depth(
    camera: Camera, points: Float32[np.ndarray, "n 3"], height: int, width: int
) -> Float32[np.ndarray, "h w"]:
    """Inverse depth of the nearest point (in the picture) for every pixel: where stereo begins to look."""
    import cv2

    pixels, depth = project(camera, points.astype(np.float64))
    inside = (depth > 0) & (pixels >= 0).all(axis=1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
    if not inside.any():
        return np.zeros((height, width), np.float32)
    place = pixels[inside].astype(np.int32)
    free = np.full((height, width), 255, np.uint8)
    free[place[:, 1], place[:, 0]] = 0
    _, label = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    inverse_of = np.zeros(int(label.max()) + 1, np.float32)
    inverse_of[label[place[:, 1], place[:, 0]]] = (1 / depth[inside]).astype(np.float32)
    return np.asarray(inverse_of[label])
