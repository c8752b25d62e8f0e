"""The frame of 3D printing: Z up, millimetres. STL and 3MF are written in it, because slicers take it for granted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

MILLIMETRES_PER_METRE = 1000.0


def printing_from_world(points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    """World points (Y up, metres) on the printer's bed (Z up, millimetres): a quarter turn about X, no mirroring.

    The X axis stays. An asset without known scale is written as if its unit were the metre; slicers then offer to fit
    it to the bed.
    """
    x, y, z = points.astype(np.float64).T * MILLIMETRES_PER_METRE
    return np.column_stack([x, -z, y]).astype(np.float32)


def world_from_printing(points: Float32[np.ndarray, "n 3"], metres_per_unit: float) -> Float32[np.ndarray, "n 3"]:
    """Inverts `printing_from_world`; metres_per_unit is 0.001 for millimetres."""
    x, y, z = points.astype(np.float64).T * metres_per_unit
    return np.column_stack([x, z, -y]).astype(np.float32)
