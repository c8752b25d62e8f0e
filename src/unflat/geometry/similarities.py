"""4x4 matrices that move, turn and scale the world."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation


def shift(offset: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "4 4"]:
    """Moves everything by an offset in metres."""
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix


def scaling(factor: float) -> Float64[np.ndarray, "4 4"]:
    """Scales everything about the origin."""
    return np.diag([factor, factor, factor, 1.0])


def turning(rotation: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "4 4"]:
    """Turns everything about the origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    return matrix


def rotation_deg(x_deg: float, y_deg: float, z_deg: float) -> Float64[np.ndarray, "3 3"]:
    """Turns about the world's fixed x axis, then y, then z, counter-clockwise seen from the axis' tip."""
    return np.asarray(Rotation.from_euler("xyz", [x_deg, y_deg, z_deg], degrees=True).as_matrix(), np.float64)


def rotation_between(start: Float64[np.ndarray, "3"], end: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The shortest turn that takes one unit direction to another; half a turn about x or z where they are opposite."""
    cosine = float(start @ end)
    if cosine < -1 + 1e-12:
        across = np.eye(3)[0] if abs(start[0]) < 0.9 else np.eye(3)[2]
        axis = across - start * (across @ start)
        axis /= np.linalg.norm(axis)
        return 2 * np.outer(axis, axis) - np.eye(3)
    x, y, z = np.cross(start, end)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + skew + skew @ skew / (1 + cosine)
