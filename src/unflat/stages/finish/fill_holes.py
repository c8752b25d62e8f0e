"""Close holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, RecipeError, Reconstruction, StageFailed
from unflat.geometry.holes import holes_filled
from unflat.geometry.repair import consistently_turned, fans_split, merged, without_degenerate


@dataclass(frozen=True)
class FillHoles:
    """Closes holes so that the new surface goes on with the curvature around it; large holes are spanned flat."""

    largest: float = 0.5
    """Close holes up to this width, as a share of the object's diagonal; wider ones stay open."""

    def __post_init__(self) -> None:
        if not 0.0 < self.largest <= 1.0:
            raise RecipeError(
                f"finish.fill-holes.largest can't be {self.largest:g}.",
                code="bad-option",
                hint="Give a share of the object's diagonal above 0, up to 1 (all holes).",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the mesh with its holes closed; new vertices have confidence 0. A closed mesh stays as it is.

        Faces are turned alike first, so that the rims can be followed. 0.3 s for 400,000 faces and few holes.
        """
        mesh = reconstruction.mesh
        tidy = without_degenerate(merged(mesh))
        if tidy is None:
            raise StageFailed(
                f"All {len(mesh.faces)} faces are degenerate.",
                code="nothing-left",
                hint="Give a mesh with area.",
            )
        turned, orientable = consistently_turned(fans_split(tidy))
        if not orientable:
            context.warn("The surface is one-sided, as a Möbius strip is; holes there stay open.")
        filling = holes_filled(turned, self.largest * float(np.linalg.norm(mesh.extent)))
        if filling.left:
            context.warn(f"Left {filling.left} holes open that are wider than {self.largest:g} of the object.")
        return reconstruction.with_mesh(filling.mesh) if filling.filled else reconstruction
