"""Where photos of a thing on a table are taken from: two or three rings of a hand-held camera with one lens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera
from unflat.geometry.cameras import look_at
from unflat.geometry.similarities import rotation_deg, turning

_TWO_RINGS_DEG, _THREE_RINGS_DEG = (20.0, 42.0), (16.0, 34.0, 54.0)
"""Elevations of the rings."""
_MANY = 36
"""From so many photos on there are three rings."""
_ELEVATION_JITTER_DEG, _TURN_JITTER, _ROLL_DEG = 3.5, 0.2, 4.0
"""Spread of elevations; of turns, in steps between two photos; of the camera's roll."""
_DISTANCE_JITTER, _TARGET_JITTER = 0.1, 0.06
"""Largest change of the distance, as a share of it; spread of the place that is looked at, in radii."""
_FILLED = 0.88
"""The object's bounding sphere takes this share of the picture's height."""


@dataclass(frozen=True)
class Lens:
    """What all photos of a set are taken through."""

    width_px: int
    height_px: int
    focal_px: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """OpenCV's k1, k2, p1, p2, k3."""

    def camera(self, world_from_camera: Float64[np.ndarray, "4 4"]) -> Camera:
        """The camera that stands so."""
        return Camera(
            self.width_px, self.height_px, self.focal_px, self.focal_px, self.cx, self.cy, world_from_camera,
            distortion=self.distortion,
        )  # fmt: skip


def random_lens(rng: np.random.Generator, size_px: tuple[int, int], *, distorted: bool = True) -> Lens:
    """A lens of 0.9 to 1.4 picture widths with barrel distortion as phones and compact cameras have it."""
    width, height = size_px
    focal = width * rng.uniform(0.9, 1.4)
    cx, cy = width * (0.5 + rng.normal(0, 0.004)), height * (0.5 + rng.normal(0, 0.004))
    k1, k2 = rng.uniform(-0.12, 0.04), rng.uniform(-0.02, 0.05)
    p1, p2 = rng.normal(0, 0.0006, 2)
    bent = (float(k1), float(k2), float(p1), float(p2), 0.0)
    return Lens(width, height, float(focal), float(cx), float(cy), bent if distorted else (0.0,) * 5)


def ring_cameras(
    lens: Lens, middle: Float64[np.ndarray, "3"], radius: float, count: int, rng: np.random.Generator
) -> tuple[Camera, ...]:
    """`count` cameras round the bounding sphere, in the order of their turn, on two rings in turn or, if many, three.

    Neighbours differ by 360 / count degrees of azimuth: 15 for 24.
    """
    rings = _THREE_RINGS_DEG if count >= _MANY else _TWO_RINGS_DEG
    start = rng.uniform(0, 360)
    cameras = []
    for index in range(count):
        azimuth = start + 360 / count * (index + rng.uniform(-_TURN_JITTER, _TURN_JITTER))
        elevation = rings[index % len(rings)] + rng.uniform(-1, 1) * _ELEVATION_JITTER_DEG
        cameras.append(_hand_held(lens, middle, radius, (azimuth, elevation), rng))
    return tuple(cameras)


def left_out_cameras(
    lens: Lens, middle: Float64[np.ndarray, "3"], radius: float, count: int, rng: np.random.Generator
) -> tuple[Camera, ...]:
    """Cameras all around at other places than those of the rings: elevations 12 to 55 degrees."""
    start = rng.uniform(0, 360)
    return tuple(
        _hand_held(lens, middle, radius, (start + 360 / count * index, rng.uniform(12, 55)), rng)
        for index in range(count)
    )


def _hand_held(
    lens: Lens,
    middle: Float64[np.ndarray, "3"],
    radius: float,
    side_deg: tuple[float, float],
    rng: np.random.Generator,
) -> Camera:
    azimuth, elevation = np.radians(side_deg)
    outwards = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    tangent = _FILLED * lens.height_px / 2 / lens.focal_px
    distance = radius / np.sin(np.arctan(tangent)) * (1 + rng.uniform(-1, 1) * _DISTANCE_JITTER)
    target = middle + rng.normal(0, _TARGET_JITTER * radius, 3)
    pose = look_at(target + distance * outwards, target, np.array([0.0, 1.0, 0.0]))
    return lens.camera(pose @ turning(rotation_deg(0, 0, rng.normal(0, _ROLL_DEG))))
