"""Fewer faces, same shape."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unflat.core import Context, RecipeError, Reconstruction
from unflat.geometry.decimation import decimated


@dataclass(frozen=True)
class Decimate:
    """Quadric edge collapse (Garland and Heckbert 1997): flat regions lose most, edges and corners stay."""

    faces: int = 20_000
    """Most triangles to keep."""

    def __post_init__(self) -> None:
        if self.faces < 4:
            raise RecipeError(
                f"finish.decimate.faces can't be {self.faces}.",
                code="bad-option",
                hint="Give at least 4, the faces of a tetrahedron.",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the coarser mesh; the fine one becomes ``detail`` unless there is one already.

        Closed meshes stay closed. Colours and confidence are those of the nearest vertex before. Where the budget is
        too small for the shape, the mesh keeps as many faces as it needs, and that is said. 1 s from 400,000 faces.
        """
        mesh = reconstruction.mesh
        if len(mesh.faces) <= self.faces:
            return reconstruction
        context.progress(0.0)
        coarse = decimated(mesh, self.faces)
        if len(coarse.faces) > self.faces:
            context.warn(
                f"The mesh keeps {len(coarse.faces)} faces instead of {self.faces}: fewer would tear or collapse it."
            )
        context.progress(1.0)
        if coarse is mesh:
            return reconstruction
        return replace(reconstruction, shape=coarse, detail=reconstruction.detail or mesh)
