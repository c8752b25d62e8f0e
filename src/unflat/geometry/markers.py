"""Printed square markers (ArUco, AprilTag): found in photos, to a small part of a pixel, and measured in the world.

Detection is OpenCV's; the corners are then where lines through the sides' edges meet, since a corner itself is rounded
by blur. Edges are looked for in linear light, where blur is symmetric, and lines are fitted where the lens bends none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from unflat.core import Camera
from unflat.core.color import linear_from_srgb, luminance
from unflat.geometry.cameras import project, unproject
from unflat.geometry.known_lengths import MeasuredLength
from unflat.geometry.triangulation import triangulated

MarkerKind = Literal[
    "apriltag-36h11", "apriltag-25h9", "apriltag-16h5", "aruco-4x4", "aruco-5x5", "aruco-6x6", "aruco-7x7",
    "aruco-original",
]  # fmt: skip
"""Families of markers that OpenCV knows."""
MARKER_KINDS: tuple[MarkerKind, ...] = get_args(MarkerKind)
COMMON_KINDS: tuple[MarkerKind, ...] = ("apriltag-36h11", "aruco-4x4", "aruco-5x5", "aruco-6x6", "aruco-original")
"""What people print. All are looked for at once: what is none does not keep its place from photo to photo."""

_DICTIONARIES: dict[MarkerKind, int] = {
    "apriltag-36h11": cv2.aruco.DICT_APRILTAG_36H11,
    "apriltag-25h9": cv2.aruco.DICT_APRILTAG_25H9,
    "apriltag-16h5": cv2.aruco.DICT_APRILTAG_16H5,
    "aruco-4x4": cv2.aruco.DICT_4X4_250,
    "aruco-5x5": cv2.aruco.DICT_5X5_250,
    "aruco-6x6": cv2.aruco.DICT_6X6_250,
    "aruco-7x7": cv2.aruco.DICT_7X7_250,
    "aruco-original": cv2.aruco.DICT_ARUCO_ORIGINAL,
}
"""The smaller sets of ArUco are the beginnings of these."""

_SIDE_KEPT = (0.12, 0.88)
"""The part of a side whose edge is straight: near its ends, blur rounds it."""
_SAMPLES = (8, 80)
"""Fewest and most places along a side."""
_REACH = (1.5, 8.0)
"""How far from a side, in pixels, its edge is looked for; 0.6 modules in between."""
_STEP_PX = 0.25
_LEAST_CONTRAST = 0.05
"""Linear light between a marker's black and its paper."""
_SQUARE_WITHIN = 0.05
"""Sides of what is a square differ by no more from each other, and its diagonals from their length."""
_TOLERANCE = 0.0025
"""Corners may be so far, as a share of the photo's diagonal, from where they project."""


@dataclass(frozen=True)
class MarkerName:
    """Which marker."""

    kind: MarkerKind
    number: int


@dataclass(frozen=True, eq=False)
class SeenMarker:
    """A marker in a photo."""

    name: MarkerName
    corners: Float64[np.ndarray, "4 2"]
    """Pixels, clockwise from the marker's own top left."""


def marker_dictionary(kind: MarkerKind) -> cv2.aruco.Dictionary:
    """OpenCV's dictionary of this kind."""
    return cv2.aruco.getPredefinedDictionary(_DICTIONARIES[kind])


def find_markers(
    pixels: UInt8[np.ndarray, "h w 3"], camera: Camera, kinds: Sequence[MarkerKind] = COMMON_KINDS
) -> tuple[SeenMarker, ...]:
    """The markers in a photo (sRGB) of this camera that can be told to a part of a pixel.

    Those whose number is there more than once are left out. Sides below about 20 pixels, or 0.75 % of the longest side
    of the photo, are not found. About 0.1 s per megapixel.
    """
    picture = np.ascontiguousarray(pixels)
    detector = cv2.aruco.ArucoDetector([marker_dictionary(kind) for kind in kinds])
    quads, numbers, _, which = detector.detectMarkersMultiDict(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    if numbers is None:
        return ()
    found: dict[MarkerName, list[SeenMarker]] = {}
    for quad, number, index in zip(quads, np.ravel(numbers), np.ravel(which), strict=True):
        name = MarkerName(kinds[int(index)], int(number))
        modules = marker_dictionary(name.kind).markerSize + 2
        corners = _refined(picture, quad.reshape(4, 2).astype(np.float64) + 0.5, camera, modules)
        if corners is not None:
            found.setdefault(name, []).append(SeenMarker(name, corners))
    return tuple(markers[0] for markers in found.values() if len(markers) == 1)


def measured_sides(
    seen: Mapping[MarkerName, Sequence[tuple[Camera, SeenMarker]]], side_m: float, seed: int = 0
) -> dict[MarkerName, tuple[MeasuredLength, ...]]:
    """The four sides of each marker that is a square in the world of the cameras; those that are none are missing."""
    measured = {}
    for name, sightings in seen.items():
        cameras = [camera for camera, _ in sightings]
        if len(cameras) < 2:
            continue
        corners = np.stack([marker.corners for _, marker in sightings])
        tolerance = _TOLERANCE * float(np.mean([np.hypot(camera.width_px, camera.height_px) for camera in cameras]))
        found = triangulated(cameras, corners, max(tolerance, 1.5), seed)
        if found is None:
            continue
        sides = np.linalg.norm(found.points - np.roll(found.points, -1, axis=0), axis=1)
        if not _is_square(found.points, sides):
            continue
        spans = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)[found.agreeing]
        error = np.sqrt(2) * found.error_px / spans.mean() / np.sqrt(found.agreeing.sum() - 1)
        measured[name] = tuple(MeasuredLength(side_m, float(side), float(error)) for side in sides)
    return measured


def _is_square(corners: Float64[np.ndarray, "4 3"], sides: Float64[np.ndarray, "4"]) -> bool:
    diagonals = np.linalg.norm(corners[:2] - corners[2:], axis=1) / np.sqrt(2)
    lengths = np.concatenate([sides, diagonals])
    return bool((np.abs(lengths / np.median(sides) - 1) < _SQUARE_WITHIN).all())


def _refined(
    picture: UInt8[np.ndarray, "h w 3"], corners: Float64[np.ndarray, "4 2"], camera: Camera, modules: int
) -> Float64[np.ndarray, "4 2"] | None:
    """The corners where lines through the sides' edges meet; None where a side has no clear edge."""
    straight = replace(camera, world_from_camera=np.eye(4))
    for _ in range(2):  # the second time from where the sides are
        lines = []
        for index in range(4):
            edge = _edge(picture, corners[index], corners[(index + 1) % 4], modules)
            if edge is None:
                return None
            lines.append(_line(unproject(straight, edge, np.ones(len(edge)))[:, :2]))
        meeting = np.array([np.cross(lines[index - 1], lines[index]) for index in range(4)])
        if (np.abs(meeting[:, 2]) < 1e-12).any():
            return None
        planar = meeting[:, :2] / meeting[:, 2:]
        again, _ = project(straight, np.column_stack([planar, np.ones(4)]))
        side = np.linalg.norm(corners[1] - corners[0])
        if not np.linalg.norm(again - corners, axis=1).max() < max(3.0, 0.2 * side):
            return None
        corners = again
    return corners


def _edge(
    picture: UInt8[np.ndarray, "h w 3"], start: Float64[np.ndarray, "2"], end: Float64[np.ndarray, "2"], modules: int
) -> Float64[np.ndarray, "n 2"] | None:
    """Places (pixels) along a side where black turns to paper; None where too few can be told."""
    along = end - start
    length = float(np.linalg.norm(along))
    outwards = np.array([along[1], -along[0]]) / max(length, 1e-9)  # corners run clockwise as seen, v goes down
    reach = float(np.clip(0.6 * length / modules, *_REACH))
    places = np.linspace(*_SIDE_KEPT, int(np.clip(length, *_SAMPLES)))
    offsets = np.arange(-reach, reach + _STEP_PX / 2, _STEP_PX)
    on_side = start + places[:, None] * along
    light = _light_at(picture, on_side[:, None] + offsets[None, :, None] * outwards)
    rise = np.clip(np.diff(light, axis=1), 0, None)
    weight = rise**2
    clear = rise.sum(axis=1) > _LEAST_CONTRAST
    if clear.mean() < 0.5:
        return None
    between = (offsets[1:] + offsets[:-1]) / 2
    at = (weight[clear] @ between) / weight[clear].sum(axis=1)
    return np.asarray(on_side[clear] + at[:, None] * outwards)


def _light_at(picture: UInt8[np.ndarray, "h w 3"], at: Float64[np.ndarray, "n m 2"]) -> Float32[np.ndarray, "n m"]:
    """Linear luminance at places in pixels, between pixels in proportion."""
    low = np.maximum(np.floor(at.min(axis=(0, 1))).astype(int) - 1, 0)
    high = np.ceil(at.max(axis=(0, 1))).astype(int) + 2
    light = luminance(linear_from_srgb(picture[low[1] : high[1], low[0] : high[0]]))
    if light.size == 0:
        return np.zeros(at.shape[:2], np.float32)
    u, v = (at[..., axis].astype(np.float32) - np.float32(low[axis] + 0.5) for axis in (0, 1))
    return np.asarray(cv2.remap(light, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _line(points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "3"]:
    """The line (a, b, c), a x + b y + c = 0, nearest to most of the points: total least squares, strays left out."""
    for _ in range(3):
        middle = points.mean(axis=0)
        normal = np.linalg.svd(points - middle, full_matrices=False)[2][1]
        away = np.abs((points - middle) @ normal)
        kept = away <= 4 * np.median(away) + 1e-12
        if kept.all() or kept.sum() < _SAMPLES[0]:
            break
        points = points[kept]
    return np.array([*normal, -normal @ middle])
