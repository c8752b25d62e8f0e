"""One frame of a transforms.json as a camera, and what all readers of camera files share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.io.limits import DEFAULT_LIMITS
from unflat.io.picture import picture_size
from unflat.io.source import read_file

OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
"""Those files' cameras have +y up and look along -z. Its own inverse."""

Y_UP_FROM_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""Those files' worlds have +Z up, ours +Y: a quarter turn about X."""

_ROUNDING = 1e-3
"""How far a written rotation may be from a rotation: files keep few digits. It is then made exact."""

_PINHOLE_MODELS = {"OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE"}
_ENDINGS = ("", ".png", ".jpg", ".jpeg", ".JPG", ".webp")
"""Blender scenes name their pictures without an ending."""
_TRANSFORMS_HINT = "Write a transforms.json as nerfstudio does: frames with file_path, fl_x, w, h and transform_matrix."


@dataclass(frozen=True)
class Frame:
    """What a file says about one picture, its own values over those for all."""

    path: Path
    """The transforms.json."""
    where: str
    """For messages."""
    values: dict[str, Any]

    def number(self, key: str) -> float | None:
        """A finite number, None where it is missing."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise bad_cameras(self.path, f"{self.where} has “{key}” = {value!r}, expected a number")
        return float(value)


def camera_of_frame(frame: Frame, name: str, up: Literal["z", "y"]) -> Camera:
    """The frame's camera in our axes. Raises `InputError` with code ``bad-cameras`` or ``unsupported-camera``."""
    _refuse_other_lenses(frame)
    width, height = _size(frame, name)
    fx = _focal(frame, "fl_x", "camera_angle_x", width)
    fy = _focal(frame, "fl_y", "camera_angle_y", height)
    if fx is None and fy is None:
        raise bad_cameras(frame.path, f"{frame.where} has no “fl_x” and no “camera_angle_x”")
    cx, cy = frame.number("cx"), frame.number("cy")
    pose = _rigid(frame) @ OPENGL_FROM_OPENCV
    return Camera(
        width,
        height,
        fx or fy or 0.0,
        fy or fx or 0.0,
        width / 2 if cx is None else cx,
        height / 2 if cy is None else cy,
        Y_UP_FROM_Z_UP @ pose if up == "z" else pose,
        distortion=_distortion(frame),
    )


def bad_cameras(path: Path, what: str, hint: str = _TRANSFORMS_HINT) -> InputError:
    """The refusal of a camera file."""
    return InputError(f"The camera file “{path.name}” {what}.", code="bad-cameras", hint=hint)


def exact_rotation(written: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"] | None:
    """The rotation that a file wrote with few digits; None where it is mirrored, scaled or no rotation at all."""
    if not np.isfinite(written).all():
        return None
    left, _, right = np.linalg.svd(written)
    rotation = left @ right
    if np.linalg.det(rotation) < 0 or np.abs(rotation - written).max() > _ROUNDING:
        return None
    return np.asarray(rotation)


def size_of_picture_beside(path: Path, name: str, folders: tuple[str, ...] = ("",)) -> tuple[int, int] | None:
    """Width and height of the picture that a camera file names, as it is stored; None where there is no such file.

    It is looked for in `folders`, relative to the camera file's. Raises as `read_photo` for a picture that is none.
    """
    for folder in folders:
        for ending in _ENDINGS:
            picture = path.parent / folder / (name + ending)
            if picture.is_file():
                return picture_size(read_file(picture, DEFAULT_LIMITS), picture.name, DEFAULT_LIMITS)
    return None


def _refuse_other_lenses(frame: Frame) -> None:
    model = str(frame.values.get("camera_model", "OPENCV"))
    if model.upper() not in _PINHOLE_MODELS or frame.values.get("is_fisheye") or frame.number("k4"):
        raise InputError(
            f"{frame.where} of “{frame.path.name}” has the lens model {model}, expected OPENCV or PINHOLE.",
            code="unsupported-camera",
            hint="Undistort the pictures to pinhole cameras first.",
        )


def _distortion(frame: Frame) -> tuple[float, float, float, float, float]:
    k1, k2, p1, p2, k3 = (frame.number(key) or 0.0 for key in ("k1", "k2", "p1", "p2", "k3"))
    return k1, k2, p1, p2, k3


def _focal(frame: Frame, focal_key: str, angle_key: str, side_px: int) -> float | None:
    focal, angle = frame.number(focal_key), frame.number(angle_key)
    if focal is None and angle is not None and 0 < angle < math.pi:
        focal = side_px / 2 / math.tan(angle / 2)
    if focal is not None and focal <= 0:
        raise bad_cameras(frame.path, f"{frame.where} has “{focal_key}” = {focal:g}, expected pixels above zero")
    return focal


def _size(frame: Frame, name: str) -> tuple[int, int]:
    width, height = frame.number("w"), frame.number("h")
    if width is not None and height is not None:
        if width < 1 or height < 1:
            raise bad_cameras(frame.path, f"{frame.where} has a size of {width:g}x{height:g} pixels")
        return round(width), round(height)
    size = size_of_picture_beside(frame.path, name)
    if size is None:
        raise bad_cameras(frame.path, f"{frame.where} has no “w” and “h”, and its picture is not beside the file")
    return size


def _rigid(frame: Frame) -> Float64[np.ndarray, "4 4"]:
    """The pose as written, its rotation made exact."""
    written = frame.values.get("transform_matrix")
    try:
        matrix = np.array(written, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise bad_cameras(frame.path, f"{frame.where} has no “transform_matrix” of numbers") from error
    if matrix.shape not in ((4, 4), (3, 4)) or not np.isfinite(matrix).all():
        raise bad_cameras(frame.path, f"{frame.where} has no “transform_matrix” of 4x4 finite numbers")
    rotation = exact_rotation(matrix[:3, :3])
    if rotation is None:
        raise bad_cameras(frame.path, f"{frame.where} has a “transform_matrix” that is no rotation and translation")
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, matrix[:3, 3]
    return pose
