"""COLMAP's sparse models, binary or text, as cameras and points. The rigs and frames beside them are not needed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from unflat.core.camera import Camera
from unflat.core.shape import PointCloud
from unflat.io.camera_frame import bad_cameras
from unflat.io.colmap_model import (
    COLMAP_HINT,
    FOREIGN_MODELS,
    MODEL_LIMITS,
    MODELS,
    Lens,
    find_colmap_model,
    lens_of,
    model_file,
    unsupported_model,
)
from unflat.io.source import read_file

_KEYPOINT_BYTES = 24
"""x, y and the number of its 3D point."""
_TRACK_ELEMENT_BYTES = 8


def read_colmap_cameras(path: str | Path) -> dict[str, Camera]:
    """The cameras of a COLMAP model by their pictures' names, in the order of the file.

    `path` is the model's folder, one of its files, or the workspace with ``sparse/0``. The world is left as it is:
    COLMAP knows no up and no unit. Raises `InputError` with code ``bad-cameras`` or ``unsupported-camera`` (a model
    with another lens than OpenCV's five coefficients), or as `read_photo` for the files themselves.
    """
    folder = _folder(Path(path))
    lenses = _lenses(model_file(folder, "cameras"))
    images = model_file(folder, "images")
    rows = _binary_images(_Bytes(images)) if images.suffix == ".bin" else _text_images(images)
    cameras: dict[str, Camera] = {}
    for name, pose, camera_id in rows:
        if camera_id not in lenses:
            raise bad_cameras(images, f"names camera {camera_id} for “{name}”, which does not exist", COLMAP_HINT)
        if name in cameras:
            raise bad_cameras(images, f"names “{name}” a second time", COLMAP_HINT)
        cameras[name] = lenses[camera_id].posed(_world_from_camera(images, name, pose))
    if not cameras:
        raise bad_cameras(images, "has no image with a pose", COLMAP_HINT)
    return cameras


def read_colmap_points(path: str | Path) -> PointCloud:
    """The 3D points of a COLMAP model with their colours, in the frame of `read_colmap_cameras`; may be none.

    Raises `InputError` with code ``bad-cameras``, or as `read_photo` for the file itself.
    """
    file = model_file(_folder(Path(path)), "points3D")
    rows = list(_binary_points(_Bytes(file)) if file.suffix == ".bin" else _text_points(file))
    table = np.array(rows, np.float64).reshape(-1, 6)
    colors = table[:, 3:]
    if not (np.abs(table) < np.finfo(np.float32).max).all() or (
        len(table) and (colors.min() < 0 or colors.max() > 255)
    ):
        raise bad_cameras(file, "has points that are not finite, or colours outside of 0..255", COLMAP_HINT)
    return PointCloud(table[:, :3].astype(np.float32), colors=colors.astype(np.uint8))


class _Bytes:
    """A binary file read from front to back, never beyond its end."""

    def __init__(self, path: Path) -> None:
        self.path, self.data, self.at = path, read_file(path, MODEL_LIMITS), 0

    def take(self, layout: str) -> tuple[Any, ...]:
        """The next little-endian values."""
        try:
            values = struct.unpack_from(f"<{layout}", self.data, self.at)
        except struct.error as error:
            raise bad_cameras(self.path, "ends too early", COLMAP_HINT) from error
        self.at += struct.calcsize(f"<{layout}")
        return values

    def text(self) -> str:
        """The text up to the next zero byte."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise bad_cameras(self.path, "ends too early", COLMAP_HINT)
        found, self.at = self.data[self.at : end], end + 1
        return found.decode(errors="replace")

    def skip(self, count: int) -> None:
        """Leave out bytes that are there."""
        self.at += count
        if self.at > len(self.data):
            raise bad_cameras(self.path, "ends too early", COLMAP_HINT)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        return path.parent
    found = find_colmap_model(path)
    if found is None:
        raise bad_cameras(path, "is a folder without a COLMAP model (cameras and images, .bin or .txt)", COLMAP_HINT)
    return found


def _lenses(file: Path) -> dict[int, Lens]:
    rows = _binary_cameras(_Bytes(file)) if file.suffix == ".bin" else _text_cameras(file)
    return {number: lens_of(file, model, size, values) for number, model, size, values in rows}


def _binary_cameras(data: _Bytes) -> Iterator[tuple[int, str, tuple[int, int], tuple[float, ...]]]:
    models = {number: (name, len(parameters)) for name, (number, parameters) in MODELS.items()}
    for _ in range(data.take("Q")[0]):
        number, model_id, width, height = data.take("IiQQ")
        if model_id not in models:  # how many parameters follow is unknown then
            raise unsupported_model(data.path, FOREIGN_MODELS.get(model_id, f"number {model_id}"))
        name, count = models[model_id]
        yield number, name, (width, height), data.take(f"{count}d")


def _binary_images(data: _Bytes) -> Iterator[tuple[str, tuple[float, ...], int]]:
    for _ in range(data.take("Q")[0]):
        _, *pose, camera_id = data.take("I7dI")
        name = data.text()
        data.skip(_KEYPOINT_BYTES * data.take("Q")[0])
        yield name, tuple(pose), camera_id


def _binary_points(data: _Bytes) -> Iterator[tuple[float, ...]]:
    for _ in range(data.take("Q")[0]):
        _, x, y, z, red, green, blue, _, track = data.take("Q3d3BdQ")
        data.skip(_TRACK_ELEMENT_BYTES * track)
        yield x, y, z, red, green, blue


def _lines(file: Path) -> Iterator[str]:
    """The lines that are no comments; an empty one says that an image has no keypoints."""
    for line in read_file(file, MODEL_LIMITS).decode(errors="replace").split("\n"):
        if not line.lstrip().startswith("#"):
            yield line.strip()


def _text_cameras(file: Path) -> Iterator[tuple[int, str, tuple[int, int], tuple[float, ...]]]:
    for line in filter(None, _lines(file)):
        words = line.split()
        try:
            number, size = int(words[0]), (int(words[2]), int(words[3]))
            values = tuple(float(word) for word in words[4:])
        except (ValueError, IndexError) as error:
            raise bad_cameras(file, f"has no camera in the line “{line[:60]}”", COLMAP_HINT) from error
        yield number, words[1], size, values


def _text_images(file: Path) -> Iterator[tuple[str, tuple[float, ...], int]]:
    lines = _lines(file)
    for line in lines:
        if not line:
            continue
        words = line.split(maxsplit=9)
        try:
            yield words[9], tuple(float(word) for word in words[1:8]), int(words[8])
        except (ValueError, IndexError) as error:
            raise bad_cameras(file, f"has no image in the line “{line[:60]}”", COLMAP_HINT) from error
        next(lines, None)  # its keypoints


def _text_points(file: Path) -> Iterator[tuple[float, ...]]:
    for line in filter(None, _lines(file)):
        try:
            x, y, z, red, green, blue = (float(word) for word in line.split(maxsplit=7)[1:7])
        except ValueError as error:
            raise bad_cameras(file, f"has no point in the line “{line[:60]}”", COLMAP_HINT) from error
        yield x, y, z, red, green, blue


def _world_from_camera(file: Path, name: str, pose: tuple[float, ...]) -> Float64[np.ndarray, "4 4"]:
    """The inverse of COLMAP's pose: a quaternion (w first) and a translation, camera from world."""
    w, x, y, z, *translation = pose
    if not np.isfinite(pose).all() or w * w + x * x + y * y + z * z < 1e-12:
        raise bad_cameras(file, f"has no rotation and translation for “{name}”", COLMAP_HINT)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix().T
    world_from_camera[:3, 3] = -world_from_camera[:3, :3] @ translation
    return world_from_camera
