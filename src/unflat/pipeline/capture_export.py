"""What a set of photos gave besides the asset: cameras, cloud and depth maps, in the asset's own frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, InputError, Photo, PointCloud, Reconstruction, View, Views
from unflat.geometry.moving import transformed_cloud, transformed_view
from unflat.io.camera_turn import camera_of_file
from unflat.io.cameras import write_cameras
from unflat.io.colmap_workspace import write_colmap_workspace
from unflat.io.colmap_write import write_colmap
from unflat.io.mapped import let_go
from unflat.io.point_cloud import write_point_cloud


def write_capture(first: Reconstruction, last: Reconstruction, folder: Path) -> tuple[Path, ...]:
    """Write cameras (transforms.json, COLMAP's sparse model), cloud (PLY) and depth maps (COLMAP's dense folder).

    The cameras are those of the photos' files: at their size, of the pixels as they are stored, as other programs take
    them. Those of the dense folder are of its own pictures, upright, smaller and without distortion; photos with which
    no other agreed have no depth and are not among them.

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
    cloud = transformed_cloud(first.shape, similarity)
    files = Views(tuple(_in_file(view) for view in last.views.items))
    written = [
        write_cameras(files, folder / "transforms.json"),
        write_colmap(files, folder / "sparse", cloud),
        write_point_cloud(folder / "cloud.ply", cloud),
    ]
    known = () if first.dense is None else tuple(view for view in first.dense.items if view.depth is not None)
    if known:
        written.append(write_colmap_workspace(_Moved(known, similarity), folder / "dense"))
    return tuple(written)


@dataclass(frozen=True, eq=False)
class _Moved(Collection[View]):
    """Views in another frame, each made when its turn comes: hundreds with depth and normals do not fit into memory."""

    views: tuple[View, ...]
    similarity: Float64[np.ndarray, "4 4"]

    def __len__(self) -> int:
        return len(self.views)

    def __contains__(self, view: object) -> bool:
        return False  # views are told apart by identity, and these are made anew each time

    def __iter__(self) -> Iterator[View]:
        for view in self.views:
            yield transformed_view(view, self.similarity)
            assert view.depth is not None and view.normals is not None, "views without depth are left out"
            let_go(view.depth.depth, view.normals)


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


def _in_file(view: View) -> View:
    """The camera and the name of a photo's file, without its pixels."""
    camera = camera_of_file(view)
    nothing = np.broadcast_to(np.uint8(0), (camera.height_px, camera.width_px, 3))
    return View(Photo(nothing, name=view.photo.name), camera=camera)
