"""What a set of photos gave besides the asset: cameras, cloud and depth maps, in the asset's own frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, DepthMap, InputError, PointCloud, Reconstruction, View, Views
from unflat.geometry.cameras import transform_camera
from unflat.io.cameras import write_cameras
from unflat.io.colmap_workspace import write_colmap_workspace
from unflat.io.colmap_write import write_colmap
from unflat.io.point_cloud import write_point_cloud


def write_capture(first: Reconstruction, last: Reconstruction, folder: Path) -> tuple[Path, ...]:
    """Write cameras (transforms.json, COLMAP's sparse model), cloud (PLY) and depth maps (COLMAP's dense folder).

    `first` is what the reconstruct stage gave, `last` what the finish stage made of it: its frame is the asset's. Gives
    what was written. Raises `InputError` (``no-capture``) where there is nothing to export.
    """
    if len(first.views.items) < 2 or not isinstance(first.shape, PointCloud):
        raise InputError(
            "There is no capture to write: it takes photos of one thing from several places.",
            code="no-capture",
            hint="Leave out --capture, or give a set of photos with --together.",
        )
    similarity = _moved(first.views, last.views)
    cloud = _moved_cloud(first.shape, similarity)
    written = [
        write_cameras(last.views, folder / "transforms.json"),
        write_colmap(last.views, folder / "sparse", cloud),
        write_point_cloud(folder / "cloud.ply", cloud),
    ]
    if first.dense is not None:
        dense = Views(tuple(_moved_view(view, similarity) for view in first.dense.items))
        written.append(write_colmap_workspace(dense, folder / "dense"))
    return tuple(written)


def _moved(before: Views, after: Views) -> Float64[np.ndarray, "4 4"]:
    """The similarity that took the cameras from one frame to the other."""
    old, new = _cameras(before), _cameras(after)
    reach = [np.linalg.norm(camera.center - cameras[0].center) for cameras in (old, new) for camera in cameras]
    scale = float(np.sum(reach[len(old) :]) / max(np.sum(reach[: len(old)]), 1e-12))
    rotation = new[0].world_from_camera[:3, :3] @ old[0].world_from_camera[:3, :3].T
    similarity = np.eye(4)
    similarity[:3, :3] = scale * rotation
    similarity[:3, 3] = new[0].center - scale * rotation @ old[0].center
    return similarity


def _cameras(views: Views) -> tuple[Camera, ...]:
    return tuple(view.camera for view in views.items if view.camera is not None)


def _moved_cloud(cloud: PointCloud, similarity: Float64[np.ndarray, "4 4"]) -> PointCloud:
    scale = np.cbrt(np.linalg.det(similarity[:3, :3]))
    points = (cloud.points @ similarity[:3, :3].T + similarity[:3, 3]).astype(np.float32)
    normals = None if cloud.normals is None else (cloud.normals @ (similarity[:3, :3] / scale).T).astype(np.float32)
    return replace(cloud, points=points, normals=normals)


def _moved_view(view: View, similarity: Float64[np.ndarray, "4 4"]) -> View:
    scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
    rotation = (similarity[:3, :3] / scale).astype(np.float32)
    depth = view.depth
    return replace(
        view,
        camera=view.camera and transform_camera(view.camera, similarity),
        depth=None if depth is None else DepthMap(depth.depth * np.float32(scale), depth.scale, depth.confidence),
        normals=None if view.normals is None else view.normals @ rotation.T,
    )
