"""Stand on y = 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, Reconstruction
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.similarities import shift


@dataclass(frozen=True)
class Ground:
    """Lifts or lowers the object so that its lowest point is at y = 0."""

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the moved reconstruction; its cameras move with it."""
        lowest = float(reconstruction.mesh.vertices[:, 1].min())
        return transformed_reconstruction(reconstruction, shift(np.array([0.0, -lowest, 0.0])))
