"""Fine grain through a solid: what weave, wear and dust do to a surface, the same from wherever it is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy.spatial.transform import Rotation

_LATTICE = 128
"""Side of the random lattice; it repeats, turned against the object's axes, so that no surface shows it."""
_CELLS = (90.0, 220.0, 500.0)
"""Cells along the object's longest side, per octave."""


@dataclass(frozen=True, eq=False)
class SolidGrain:
    """Value noise in space (Perlin 1985), as factors about 1."""

    lattice: Float32[np.ndarray, "l l l"]
    rotation: Float64[np.ndarray, "3 3"]
    cells_per_m: tuple[float, ...]
    strength: float

    def at(self, points: Float32[np.ndarray, "n 3"], pixel_m: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
        """Factors at points; an octave finer than the pixels (metres there) fades, as a sensor averages it."""
        turned = np.asarray(points @ self.rotation.T.astype(np.float32))
        total = np.ones(len(points), np.float32)
        for cells in self.cells_per_m:
            fade = np.clip(np.float32(1.5) - pixel_m * np.float32(cells), 0, 1)
            total += fade * np.float32(self.strength) * self._noise(turned * np.float32(cells))
        return np.maximum(total, np.float32(0.1))

    def _noise(self, places: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n"]:
        """Trilinear between the lattice's values."""
        cell = np.floor(places)
        share = (places - cell).astype(np.float32)
        low = cell.astype(np.int32) & (_LATTICE - 1)
        high = (low + 1) & (_LATTICE - 1)
        flat = self.lattice.ravel()
        total = np.zeros(len(places), np.float32)
        for corner in range(8):
            picks = [high if corner >> axis & 1 else low for axis in range(3)]
            weights = [share[:, axis] if corner >> axis & 1 else 1 - share[:, axis] for axis in range(3)]
            index = (picks[0][:, 0] * _LATTICE + picks[1][:, 1]) * _LATTICE + picks[2][:, 2]
            total += weights[0] * weights[1] * weights[2] * flat[index]
        return total


def solid_grain(size: float, strength: float, rng: np.random.Generator) -> SolidGrain:
    """Grain for an object of this size (metres); `strength` is the standard deviation of each octave's knots."""
    lattice = rng.standard_normal((_LATTICE,) * 3, np.float32)
    turn = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    return SolidGrain(lattice, np.asarray(turn, np.float64), tuple(cells / size for cells in _CELLS), strength)
