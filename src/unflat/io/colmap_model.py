"""What COLMAP's model files have in common: where they lie, and its camera models in our terms.

Source: COLMAP's "Output Format" and its list of camera models. The pixel convention is ours (centre of the first pixel
at 0.5, 0.5), camera axes are OpenCV's, poses are stored as camera from world.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.io.camera_frame import bad_cameras
from unflat.io.limits import Limits

MODELS: dict[str, tuple[int, tuple[str, ...]]] = {
    "SIMPLE_PINHOLE": (0, ("f", "cx", "cy")),
    "PINHOLE": (1, ("fx", "fy", "cx", "cy")),
    "SIMPLE_RADIAL": (2, ("f", "cx", "cy", "k1")),
    "RADIAL": (3, ("f", "cx", "cy", "k1", "k2")),
    "OPENCV": (4, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")),
    "FULL_OPENCV": (6, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
}
"""Camera models that a `Camera` can hold: their number in binary files, and their parameters in order."""

FOREIGN_MODELS = {
    5: "OPENCV_FISHEYE",
    7: "FOV",
    8: "SIMPLE_RADIAL_FISHEYE",
    9: "RADIAL_FISHEYE",
    10: "THIN_PRISM_FISHEYE",
}
"""Others, by their number, for messages."""

MODEL_LIMITS = Limits(max_bytes=4 * 2**30)
"""Keypoints and tracks of a thousand photos take hundreds of megabytes."""

COLMAP_HINT = "Export the model again, as COLMAP's binary or text files cameras, images and points3D."


@dataclass(frozen=True)
class Lens:
    """A camera without its pose: what one line of COLMAP's cameras file says."""

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float, float]

    def posed(self, world_from_camera: Float64[np.ndarray, "4 4"]) -> Camera:
        """The camera at a pose."""
        return Camera(
            self.width_px,
            self.height_px,
            self.fx,
            self.fy,
            self.cx,
            self.cy,
            world_from_camera,
            distortion=self.distortion,
        )


def find_colmap_model(path: Path) -> Path | None:
    """The folder with the model's files: `path`, or in it ``0``, ``sparse/0``, ``sparse``; None where there is none."""
    for folder in (path, path / "0", path / "sparse" / "0", path / "sparse"):
        if any((folder / f"images{ending}").is_file() for ending in (".bin", ".txt")):
            return folder
    return None


def model_file(folder: Path, stem: str) -> Path:
    """The binary file of that name, else the text file; COLMAP reads them in this order too."""
    binary = folder / f"{stem}.bin"
    return binary if binary.is_file() else folder / f"{stem}.txt"


def lens_of(path: Path, model: str, size: tuple[int, int], values: Sequence[float]) -> Lens:
    """COLMAP's camera in our terms. Raises `InputError` with code ``bad-cameras`` or ``unsupported-camera``."""
    if model not in MODELS:
        raise unsupported_model(path, model)
    names = MODELS[model][1]
    if len(values) != len(names) or not all(math.isfinite(value) for value in values):
        raise bad_cameras(path, f"has a {model} camera without {len(names)} finite parameters", COLMAP_HINT)
    named = dict(zip(names, values, strict=True))
    if any(named.get(key) for key in ("k4", "k5", "k6")):
        raise unsupported_model(path, f"{model} with k4, k5 or k6")
    focal = named.get("f", 0.0)
    fx, fy = named.get("fx", focal), named.get("fy", focal)
    if not (fx > 0 and fy > 0 and min(size) > 0):
        raise bad_cameras(path, f"has a camera of {size[0]}x{size[1]} pixels and focal length {fx:g}", COLMAP_HINT)
    k1, k2, p1, p2, k3 = (named.get(key, 0.0) for key in ("k1", "k2", "p1", "p2", "k3"))
    return Lens(*size, fx, fy, named["cx"], named["cy"], (k1, k2, p1, p2, k3))


def unsupported_model(path: Path, model: str) -> InputError:
    """The refusal of a camera model."""
    return InputError(
        f"“{path.name}” has a camera of the model {model}, expected one of {', '.join(MODELS)}.",
        code="unsupported-camera",
        hint="Undistort the pictures with COLMAP's image_undistorter, or align them again with the model OPENCV.",
    )
