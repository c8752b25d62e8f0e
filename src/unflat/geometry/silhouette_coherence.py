"""Several outlines of one object brought together: each ray through one must meet the cones of all others.

Hernandez, Schmitt and Cipolla 2007, "Silhouette Coherence for Camera Calibration under Circular Motion": where cameras
are wrong, the body that all outlines allow no longer fills them. How far each ray passes the others' common body tells
how to turn, shift and scale each view, without any point that two photos share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from unflat.core import Camera
from unflat.geometry.cameras import pixel_rays
from unflat.geometry.silhouettes import Silhouette, cone_distance, outline_distance

Similarity = Float64[np.ndarray, "4 4"]
_RAYS, _STEPS = 250, 48
"""Rays of each outline, and samples along each."""
_REACH = 1.2
"""Half length of the rays about the object's middle, in half squares."""
_RIM_PX = (0.5, 3.0)
"""Half of the rays lie so far inside of the outline: there they tell most."""
_MISS = 0.02
"""Half squares by which a ray may pass the others' body, as a standard deviation."""
_WORTH = 100.0
"""How many independent rays all of them count for against what was known before."""
_TURN, _SHIFT, _SCALE = 0.15, 0.2, 0.2
"""Standard deviations of what was known before: radians, half squares, logarithm of the scale."""
_DOF = 7
_MOST_EVALUATIONS = 25
_STEP = 0.05
"""Difference, in standard deviations, by which derivatives are taken."""


@dataclass(frozen=True, eq=False)
class OutlineView:
    """An outline in a frame of its own, in which the object's middle is the origin."""

    silhouette: Silhouette
    samples: Float32[np.ndarray, "n 3"]

    @staticmethod
    def of(camera: Camera, coverage: Float32[np.ndarray, "s s"], seed: int) -> OutlineView:
        """Of a square picture; its rays are drawn by the seed."""
        distance = outline_distance(coverage)
        dice = np.random.default_rng(seed)
        rim = np.argwhere((distance < -_RIM_PX[0]) & (distance > -_RIM_PX[1]))
        inside = np.argwhere(distance < 0)
        drawn = [part[dice.integers(len(part), size=_RAYS // 2)] for part in (inside, rim if len(rim) else inside)]
        origins, directions = pixel_rays(camera, np.concatenate(drawn)[:, ::-1] + 0.5)
        middle = float(np.linalg.norm(camera.center))
        unit = camera.width_px / camera.fx / 2 * middle
        along = middle + unit * np.linspace(-_REACH, _REACH, _STEPS)
        points = origins[:, None] + along[None, :, None] * directions[:, None]
        return OutlineView(Silhouette(camera, distance), points.reshape(-1, 3).astype(np.float32))


def incoherence(views: Sequence[OutlineView], places: Sequence[Similarity]) -> Float64[np.ndarray, "n"]:
    """How far each ray of each view passes the body of all other views, in that view's units; 0 where it meets it."""
    scales = [float(np.cbrt(np.linalg.det(place[:3, :3]))) for place in places]
    misses = []
    for number, view in enumerate(views):
        outside = np.full(len(view.samples), -np.inf, np.float32)
        for other_number, other in enumerate(views):
            if other_number == number:
                continue
            there = (np.linalg.inv(places[other_number]) @ places[number]).astype(np.float32)
            points = view.samples @ there[:3, :3].T + there[:3, 3]
            factor = np.float32(scales[other_number] / scales[number])
            outside = np.maximum(outside, cone_distance(other.silhouette, points) * factor)
        misses.append(np.maximum(outside.reshape(-1, _STEPS).min(axis=1), 0))
    return np.concatenate(misses).astype(np.float64)


def brought_together(views: Sequence[OutlineView], places: Sequence[Similarity]) -> tuple[Similarity, ...]:
    """The places (``world_from_view``) changed as little as makes the outlines agree; the first stays.

    About 1 s for four views.
    """
    weight = np.sqrt(_WORTH / (_RAYS * len(views))) / _MISS

    def moved(change: Float64[np.ndarray, "n"]) -> tuple[Similarity, ...]:
        steps = change.reshape(-1, _DOF)
        return (places[0], *(place @ _similarity(step) for place, step in zip(places[1:], steps, strict=True)))

    def residuals(shifted: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "m"]:
        change = shifted - 1 / _STEP
        return np.concatenate([weight * incoherence(views, moved(change)), change])

    # SciPy takes steps relative to the values: about 1 / step each is 1 long.
    start = np.full(_DOF * (len(views) - 1), 1 / _STEP)
    found = least_squares(residuals, start, diff_step=_STEP**2, max_nfev=_MOST_EVALUATIONS, xtol=1e-3, ftol=1e-3)
    return moved(found.x - 1 / _STEP)


def _similarity(step: Float64[np.ndarray, "7"]) -> Similarity:
    matrix = np.eye(4)
    matrix[:3, :3] = np.exp(_SCALE * step[6]) * Rotation.from_rotvec(_TURN * step[:3]).as_matrix()
    matrix[:3, 3] = _SHIFT * step[3:6]
    return matrix
