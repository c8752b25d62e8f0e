"""Centre on the origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unflat.core import Context, Reconstruction
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.similarities import shift


@dataclass(frozen=True)
class Centre:
    """Moves the middle of the bounding box to the origin."""

    axes: Literal["xz", "xyz"] = "xz"
    """Directions to centre in: the ground plane only, or height too."""

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the moved reconstruction; its cameras move with it."""
        vertices = reconstruction.mesh.vertices.astype(np.float64)
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        wanted = np.array([axis in self.axes for axis in "xyz"])
        return transformed_reconstruction(reconstruction, shift(-middle * wanted))
