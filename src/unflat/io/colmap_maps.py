"""COLMAP's dense arrays: depth and normal maps, read and written.

A file is the text ``width&height&channels&`` and then float32 numbers, little-endian, one channel after the other, each
row by row. Depth is z-depth, 0 where unknown; normals are in the camera's frame, towards the camera, 0 where unknown.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.scale import Scale
from unflat.core.view import DepthMap
from unflat.io.atomic import write_atomically
from unflat.io.colmap_model import MODEL_LIMITS
from unflat.io.source import read_file

_HEADER = re.compile(rb"(\d{1,6})&(\d{1,6})&(\d{1,6})&")


def read_colmap_depth(path: str | Path, scale: Scale = Scale.UP_TO_SCALE) -> DepthMap:
    """The depth map of a ``depth_maps/NAME.geometric.bin``, NaN where the file has 0 or less.

    Raises `InputError` with code ``corrupt-map``, ``depth-empty``, or as `read_photo` for the file itself.
    """
    channels = _read(Path(path), 1)
    known = np.isfinite(channels[0]) & (channels[0] > 0)
    return DepthMap(np.where(known, channels[0], np.float32(np.nan)), scale)


def read_colmap_normals(path: str | Path, camera: Camera) -> Float32[np.ndarray, "h w 3"]:
    """The unit normals of a ``normal_maps/NAME.geometric.bin`` in the world's frame, NaN where unknown.

    Raises `InputError` with code ``corrupt-map``, or as `read_photo` for the file itself.
    """
    local = np.moveaxis(_read(Path(path), 3), 0, -1)
    length = np.linalg.norm(local, axis=-1, keepdims=True)
    unit = np.divide(local, length, out=np.full_like(local, np.nan), where=length > 0)
    return np.einsum("hwc,rc->hwr", unit, camera.world_from_camera[:3, :3].astype(np.float32))


def write_colmap_depth(depth: Float32[np.ndarray, "h w"], path: str | Path) -> Path:
    """Write a depth map, whole or not at all; NaN becomes 0. Raises `SetupError` as the disk does."""
    return _write(np.nan_to_num(depth, nan=0.0)[None], Path(path))


def write_colmap_normals(normals: Float32[np.ndarray, "h w 3"], camera: Camera, path: str | Path) -> Path:
    """Write normals, given in the world's frame, in the camera's; NaN becomes 0. Raises as `write_colmap_depth`."""
    local = np.einsum("hwr,rc->hwc", normals, camera.world_from_camera[:3, :3].astype(np.float32))
    return _write(np.moveaxis(np.nan_to_num(local, nan=0.0), -1, 0), Path(path))


def _read(path: Path, channels: int) -> Float32[np.ndarray, "c h w"]:
    data = read_file(path, MODEL_LIMITS)
    header = _HEADER.match(data)
    if header is None:
        raise _corrupt(path, "does not begin with “width&height&channels&”")
    width, height, found = (int(number) for number in header.groups())
    values = data[header.end() :]
    if found != channels or len(values) != 4 * width * height * channels or not values:
        raise _corrupt(
            path, f"says {width}x{height}x{found} and has {len(values)} bytes, expected {channels} channel(s)"
        )
    return np.frombuffer(values, "<f4").reshape(channels, height, width).astype(np.float32)


def _write(planes: Float32[np.ndarray, "c h w"], path: Path) -> Path:
    channels, height, width = planes.shape
    return write_atomically(path, f"{width}&{height}&{channels}&".encode() + planes.astype("<f4").tobytes())


def _corrupt(path: Path, what: str) -> InputError:
    return InputError(
        f"The map “{path.name}” {what}.", code="corrupt-map", hint="Compute COLMAP's depth and normal maps again."
    )
