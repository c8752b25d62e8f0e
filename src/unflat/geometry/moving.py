"""What stands in the world, after the world was moved, turned and uniformly scaled by a 4x4 similarity (no mirror)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core.reconstruction import Reconstruction
from unflat.core.scale import Scale
from unflat.core.shape import PointCloud
from unflat.core.tracks import Tracks
from unflat.core.view import DepthMap, View, Views
from unflat.geometry.cameras import transform_camera

_UNCHANGED = 1e-12
"""Scales and turns nearer than this to none leave maps as they are, which may be files that nobody has read yet."""

Plane = tuple[float, float, float, float]
"""a x + b y + c z = d, (a, b, c) unit."""


def scale_of(similarity: Float64[np.ndarray, "4 4"]) -> float:
    """How many times longer everything becomes."""
    return float(np.cbrt(np.linalg.det(similarity[:3, :3])))


def transformed_points(
    points: Float32[np.ndarray, "n 3"], similarity: Float64[np.ndarray, "4 4"]
) -> Float32[np.ndarray, "n 3"]:
    """The points in the new world."""
    return (points @ similarity[:3, :3].T + similarity[:3, 3]).astype(np.float32)


def transformed_cloud(cloud: PointCloud, similarity: Float64[np.ndarray, "4 4"]) -> PointCloud:
    """The cloud with its normals."""
    normals = cloud.normals
    return replace(
        cloud,
        points=transformed_points(cloud.points, similarity),
        normals=None if normals is None else (normals @ _rotation(similarity).T).astype(np.float32),
    )


def transformed_plane(plane: Plane, similarity: Float64[np.ndarray, "4 4"]) -> Plane:
    """The plane through the moved points of the old one."""
    a, b, c = _rotation(similarity) @ np.array(plane[:3])
    offset = scale_of(similarity) * plane[3] + float(similarity[:3, 3] @ [a, b, c])
    return float(a), float(b), float(c), offset


def transformed_view(view: View, similarity: Float64[np.ndarray, "4 4"]) -> View:
    """The view with camera, depth and normals. Maps that change come into memory."""
    scale, rotation = scale_of(similarity), _rotation(similarity)
    depth, normals = view.depth, view.normals
    if depth is not None and abs(scale - 1) > _UNCHANGED:
        depth = DepthMap(depth.depth * np.float32(scale), depth.scale, depth.confidence)
    if normals is not None and np.abs(rotation - np.eye(3)).max() > _UNCHANGED:
        normals = normals @ rotation.T.astype(np.float32)
    return replace(view, camera=view.camera and transform_camera(view.camera, similarity), depth=depth, normals=normals)


def transformed_views(views: Views, similarity: Float64[np.ndarray, "4 4"]) -> Views:
    """The views with cameras, depth and normals, and the points that they share. Maps that change come into memory."""
    tracks = views.tracks
    return Views(
        tuple(transformed_view(view, similarity) for view in views.items),
        None if tracks is None else replace(tracks, points=transformed_points(tracks.points, similarity)),
    )


def in_metres(reconstruction: Reconstruction) -> Reconstruction:
    """The same numbers, known to be metres: shape, tracks and depth maps alike."""
    dense = reconstruction.dense
    return replace(
        reconstruction,
        scale=Scale.METRIC,
        views=_metric_views(reconstruction.views),
        dense=None if dense is None else _metric_views(dense),
    )


def _metric_views(views: Views) -> Views:
    tracks: Tracks | None = None if views.tracks is None else replace(views.tracks, scale=Scale.METRIC)
    return Views(
        tuple(
            view if view.depth is None else replace(view, depth=replace(view.depth, scale=Scale.METRIC))
            for view in views.items
        ),
        tracks,
    )


def _rotation(similarity: Float64[np.ndarray, "4 4"]) -> Float64[np.ndarray, "3 3"]:
    return np.asarray(similarity[:3, :3] / scale_of(similarity))
