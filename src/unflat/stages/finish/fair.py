"""Smooth what nobody saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, RecipeError, Reconstruction
from unflat.geometry.fairing import faired


@dataclass(frozen=True)
class Fair:
    """Inferred surface becomes smooth and goes on from what was seen around it; seen surface stays where it is."""

    reach: float = 0.01
    """Rags and bumps up to this share of the diagonal go. 0 changes nothing."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.reach <= 0.2:
            raise RecipeError(
                f"finish.fair.reach can't be {self.reach:g}.",
                code="bad-option",
                hint="Give a share of the diagonal from 0 to 0.2.",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the mesh with the same faces and smoother inferred parts. 0.5 s for 40,000 inferred vertices."""
        mesh = reconstruction.mesh
        if self.reach == 0 or mesh.confidence is None:
            return reconstruction
        reach_m = self.reach * float(np.linalg.norm(mesh.extent))
        return reconstruction.with_mesh(faired(mesh, mesh.confidence == 0, reach_m))
