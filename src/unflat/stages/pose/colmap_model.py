"""The cameras and points that COLMAP found, as arrays in a file: the one thing that crosses to our own process."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

from unflat.core import Camera, Tracks
from unflat.io.atomic import write_atomically

FILE = "model.npz"


@dataclass(frozen=True, eq=False)
class FoundModel:
    """k placed pictures, n points, m observations."""

    pictures: tuple[str, ...]
    sizes: Int32[np.ndarray, "k 2"]
    """Width and height of each picture."""
    lenses: Float64[np.ndarray, "k 8"]
    """fx, fy, cx, cy, k1, k2, p1, p2."""
    poses: Float64[np.ndarray, "k 4 4"]
    """world_from_camera."""
    points: Float32[np.ndarray, "n 3"]
    colors: UInt8[np.ndarray, "n 3"]
    error_px: Float32[np.ndarray, "n"]
    point_idx: Int32[np.ndarray, "m"]
    picture_idx: Int32[np.ndarray, "m"]

    def write(self, folder: Path) -> None:
        """Put it where the caller looks."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {name: value for name, value in vars(self).items() if name != "pictures"}
        np.savez(buffer, pictures=np.array(self.pictures, np.str_), **arrays)
        write_atomically(folder / FILE, buffer.getvalue())

    @staticmethod
    def read(folder: Path) -> FoundModel:
        """The model in a folder."""
        with np.load(folder / FILE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if name != "pictures"}
            return FoundModel(tuple(str(name) for name in stored["pictures"]), **arrays)

    def camera(self, index: int) -> Camera:
        """The camera of a picture; COLMAP's pixel centres and axes are ours."""
        width, height = (int(side) for side in self.sizes[index])
        fx, fy, cx, cy, k1, k2, p1, p2 = (float(value) for value in self.lenses[index])
        return Camera(width, height, fx, fy, cx, cy, self.poses[index], distortion=(k1, k2, p1, p2, 0.0))

    def tracks(self, view_of: dict[str, int]) -> Tracks:
        """The points, with observations by the number of the view that a picture became."""
        number = np.array([view_of[name] for name in self.pictures], np.int32)
        return Tracks(self.points, self.colors, self.error_px, self.point_idx, number[self.picture_idx])


def found_in(model: Any) -> FoundModel:
    """What a `pycolmap.Reconstruction` holds, pictures by name."""
    images = sorted((model.images[image] for image in model.reg_image_ids()), key=lambda image: image.name)
    row_of = {image.image_id: row for row, image in enumerate(images)}
    cameras = [model.cameras[image.camera_id] for image in images]
    points = list(model.points3D.values())
    seen = [(index, row_of[element.image_id]) for index, point in enumerate(points)
            for element in point.track.elements if element.image_id in row_of]  # fmt: skip
    observations = np.array(seen, np.int32).reshape(-1, 2)
    return FoundModel(
        tuple(image.name for image in images),
        np.array([(camera.width, camera.height) for camera in cameras], np.int32).reshape(-1, 2),
        np.array([_lens(camera) for camera in cameras], np.float64).reshape(-1, 8),
        np.array([_pose(image.cam_from_world()) for image in images], np.float64).reshape(-1, 4, 4),
        np.array([point.xyz for point in points], np.float32).reshape(-1, 3),
        np.array([point.color for point in points], np.uint8).reshape(-1, 3),
        np.array([point.error for point in points], np.float32),
        np.ascontiguousarray(observations[:, 0]),
        np.ascontiguousarray(observations[:, 1]),
    )


def _lens(camera: Any) -> tuple[float, ...]:
    if camera.model.name == "SIMPLE_RADIAL":
        focal, cx, cy, k1 = camera.params
        return focal, focal, cx, cy, k1, 0.0, 0.0, 0.0
    values = tuple(camera.params)
    return (*values, *(0.0,) * (8 - len(values)))


def _pose(camera_from_world: Any) -> Float64[np.ndarray, "4 4"]:
    """Inverted, and its rotation exact to the last digit."""
    pose = np.eye(4)
    pose[:3] = camera_from_world.inverse().matrix()
    left, _, right = np.linalg.svd(pose[:3, :3])
    pose[:3, :3] = left @ right
    return pose
