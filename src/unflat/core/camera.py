"""A camera: image size, intrinsics, distortion and pose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from unflat.core.arrays import freeze_fields, require


def is_rigid(pose: Float64[np.ndarray, "4 4"]) -> bool:
    """Whether a 4x4 is a rotation (no mirror, no scale) and a translation."""
    rotation = pose[:3, :3]
    return bool(
        np.isfinite(pose).all()
        and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        and np.linalg.det(rotation) > 0
        and np.allclose(pose[3], [0, 0, 0, 1])
    )


@dataclass(frozen=True, eq=False)
class Camera:
    """Where a picture was taken from and how; conventions in `unflat.core.conventions`.

    Perspective: ``u = fx * x / z + cx``. Orthographic: ``u = fx * x + cx``, with fx in pixels per metre.
    """

    width_px: int
    height_px: int
    fx: float
    fy: float
    cx: float
    cy: float
    world_from_camera: Float64[np.ndarray, "4 4"]
    projection: Literal["perspective", "orthographic"] = "perspective"
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """OpenCV's k1, k2, p1, p2, k3 (Brown-Conrady); perspective only."""

    def __post_init__(self) -> None:
        require(
            self.width_px > 0 and self.height_px > 0,
            f"A camera of {self.width_px}x{self.height_px} pixels has no image.",
            code="camera-size",
            hint="Give the size of the photo in pixels.",
        )
        require(
            self.fx > 0 and self.fy > 0,
            f"Focal lengths must be positive, found {self.fx:g} and {self.fy:g}.",
            code="camera-focal",
            hint="Give the focal length in pixels.",
        )
        require(
            is_rigid(self.world_from_camera),
            "The pose is not a rotation and a translation.",
            code="camera-pose",
            hint="Give world_from_camera as a rigid 4x4, without scale or mirroring.",
        )
        require(
            self.projection == "perspective" or not any(self.distortion),
            "An orthographic camera has no lens distortion.",
            code="camera-distortion",
            hint="Leave the distortion at zero.",
        )
        freeze_fields(self, "world_from_camera")

    @property
    def camera_from_world(self) -> Float64[np.ndarray, "4 4"]:
        """The inverse pose."""
        rotation, origin = self.world_from_camera[:3, :3], self.world_from_camera[:3, 3]
        inverse = np.eye(4)
        inverse[:3, :3], inverse[:3, 3] = rotation.T, -rotation.T @ origin
        return inverse

    @property
    def center(self) -> Float64[np.ndarray, "3"]:
        """Where the camera stands, in the world."""
        return np.asarray(self.world_from_camera[:3, 3])

    @property
    def forward(self) -> Float64[np.ndarray, "3"]:
        """Unit direction that the camera looks in, in the world."""
        return np.asarray(self.world_from_camera[:3, 2])

    def resized(self, width_px: int, height_px: int) -> Camera:
        """The same camera for a resized image; scale is per axis and pixel centres stay at +0.5."""
        sx, sy = width_px / self.width_px, height_px / self.height_px
        return replace(
            self,
            width_px=width_px,
            height_px=height_px,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=self.cx * sx,
            cy=self.cy * sy,
        )

    def cropped(self, left: int, top: int, right: int, bottom: int) -> Camera:
        """The same camera for the part of the image from (left, top) up to (right, bottom), exclusive."""
        return replace(self, width_px=right - left, height_px=bottom - top, cx=self.cx - left, cy=self.cy - top)
