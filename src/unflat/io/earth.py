"""Places on Earth, by latitude and longitude or from its centre, made level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

_EQUATOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
"""WGS 84 (NIMA TR8350.2)."""
_DEEPEST_M, _HIGHEST_M = 35_000.0, 100_000.0
"""Radii of places that people photograph: the poles are 21 km nearer to the Earth's centre than the equator."""


def on_earth(point: Float64[np.ndarray, "3"]) -> bool:
    """Whether a point, in metres from the Earth's centre, lies near its surface."""
    height = float(np.linalg.norm(point)) - _EQUATOR_M
    return -_DEEPEST_M < height < _HIGHEST_M


def level_frame(origin: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "4 4"]:
    """The motion from Earth-centred coordinates to those at `origin`: x east, y north, z up.

    Up is the ellipsoid's normal, exact on its surface and within 0.01 degrees at any height that is flown.
    """
    up = origin / np.array([1.0, 1.0, (1 - _FLATTENING) ** 2])
    up = up / np.linalg.norm(up)
    east = np.cross([0.0, 0.0, 1.0], up)
    east = east / np.linalg.norm(east) if np.linalg.norm(east) > 1e-9 else np.array([0.0, 1.0, 0.0])
    motion = np.eye(4)
    motion[:3, :3] = np.stack([east, np.cross(up, east), up])
    motion[:3, 3] = -motion[:3, :3] @ origin
    return motion


def earth_centred(north_deg: float, east_deg: float, up_m: float) -> Float64[np.ndarray, "3"]:
    """Metres from the Earth's centre, `up_m` above the ellipsoid: x towards 0 degrees east, z to the north pole."""
    north, east = math.radians(north_deg), math.radians(east_deg)
    squared = _FLATTENING * (2 - _FLATTENING)
    across = _EQUATOR_M / math.sqrt(1 - squared * math.sin(north) ** 2)
    out = (across + up_m) * math.cos(north)
    return np.array([out * math.cos(east), out * math.sin(east), (across * (1 - squared) + up_m) * math.sin(north)])


def local_positions(places: Sequence[tuple[float, float, float]]) -> Float64[np.ndarray, "n 3"]:
    """Metres east, north and up of the middle (median) of places; up is NaN where a place's height (m) is.

    Heights above the sea are taken for heights above the ellipsoid: their differences are the same at one place.
    """
    level = np.array([earth_centred(north, east, 0.0) for north, east, _ in places])
    frame = level_frame(np.median(level, axis=0))
    positions = level @ frame[:3, :3].T + frame[:3, 3]
    positions[:, 2] += np.array([up for _, _, up in places])
    return np.asarray(positions)
